//! The most common words of some languages.
//!
//! Articles, pronouns, prepositions and greetings make up half of what people write, and tell more about a short text than its letters do.
//! The languages are those that people most often write in, and the neighbours that they are mistaken for.

use unicode_segmentation::UnicodeSegmentation;

/// Codes with words, all in small letters.
const WORDS: [(&str, &str); 28] = [
    (
        "ar",
        "في من على إلى عن أن إن هذا هذه ذلك لا لم لن ما ماذا هل كيف أين متى لماذا نعم أنا أنت هو هي نحن كان \
         كانت تم قد مع أو و يا مرحبا شكرا كل بعد قبل التي الذي صباح مساء الخير اليوم غدا الآن السلام عليكم \
         هنا",
    ),
    (
        "bg",
        "и в не на че аз той тя ние вие ти ми ме това този тази всичко как кой къде кога защо за от с у към \
         до така но да здравей благодаря моля е са беше има няма се си го я ги вече още или ако само много ще \
         добро добър утро ден вечер днес утре сега време тук",
    ),
    (
        "ca",
        "el la els les un una i és són era no jo tu ell ella nosaltres meu meva que qui què com on quan per \
         amb del al en de sí hola gràcies bé molt més però aquest aquesta això hi ha està o tot bon bona dia \
         tarda nit avui demà ara temps aquí",
    ),
    (
        "cs",
        "a i v z na do ne to je jsem jsou byl byla se že já ty on my vy co jak kdo kde kdy proč ano ahoj \
         děkuji díky prosím dobře velmi ale nebo můj moje tvůj od pro po o za s k ten ta tento tato není být \
         má mám máte dobrý den ráno večer dnes zítra teď čas tady",
    ),
    (
        "da",
        "en et og er var ikke jeg du han hun vi i de det den mig min din sin med for fra til på af som hvad \
         hvordan hvem hvor hvornår hvorfor ja nej hej tak godt også men kan har havde skal vil om dette denne \
         ingen god godmorgen dag aften nat morgen nu tid her velkommen",
    ),
    (
        "de",
        "der die das den dem des ein eine einen einem und ist sind war nicht ich du er sie wir ihr mir mich \
         dich dir es mit für von zu auf im in an bei was wie wo wer wann warum ja nein hallo danke bitte gut \
         auch noch nur kann kein keine hat habe haben wird werden als aus nach über dieser diese dieses guten \
         morgen tag abend nacht heute jetzt zeit hier da willkommen tschüss schön",
    ),
    (
        "en",
        "the a an of to and is are was were be been it this that these you your i my me we he she they not no \
         yes do does did don't can will have has with for from on in at by what how who where when why which \
         hello hi hey thanks thank please sorry ok okay good all there here new more about could would if but \
         so his her our their some any one two only just now out up us am morning evening night day today \
         tomorrow time welcome bye goodbye",
    ),
    (
        "es",
        "el la los las un una unos y es son era no yo tú él ella nosotros mi mis tu su sus se lo que quien \
         qué quién cómo dónde cuándo cuál por para con del al en de sí hola gracias bien muy más pero como \
         este esta esto hay ha está están porque o todo buenos buenas días día tardes noches hoy mañana ahora \
         tiempo aquí bienvenido bueno buena adiós",
    ),
    (
        "fa",
        "در از به با که را این آن است نیست هست من تو او ما شما آنها چه چی کجا کی چرا چطور بله نه سلام ممنون \
         لطفا برای یا و هر بعد قبل شد شده کرد خود",
    ),
    (
        "fi",
        "ja on ei ole oli se tämä minä sinä hän me te he mitä miten kuka missä milloin miksi kyllä hei kiitos \
         hyvää hyvin mutta tai että kun jos voi ovat minun sinun olen olet kanssa huomenta päivää iltaa yötä \
         tänään huomenna nyt aika täällä hyvä",
    ),
    (
        "fr",
        "le la les un une des du de et est sont était ne pas je tu il elle nous vous ils mon ma mes ton ta \
         votre notre ce cette ces que qui quoi quel quelle où quand comment pourquoi avec pour sur dans par \
         au aux en oui non bonjour salut merci bien plus très ça c'est à se son sa ou bonsoir nuit jour \
         aujourd'hui demain maintenant temps ici là bienvenue revoir bon bonne",
    ),
    (
        "he",
        "של את לא אני אתה הוא היא זה מה מי איך איפה מתי למה כן שלום תודה על עם גם יש אין כל או",
    ),
    (
        "hi",
        "है हैं का की के को में से पर नहीं यह वह मैं आप हम क्या कैसे कहाँ कब क्यों हाँ नमस्ते धन्यवाद और था \
         थी",
    ),
    (
        "hr",
        "i u na ne to je sam su bio bila se da ja ti on ona mi vi što kako tko gdje kada zašto hvala molim \
         dobro vrlo ali ili moj moja tvoj od za po o s iz nije biti ima imam ovaj ova ovo bok zdravo dobar \
         jutro dan večer noć danas sutra sada vrijeme ovdje",
    ),
    (
        "hu",
        "a az és van nem ez egy én te ő mi ti ők hogy mit ki hol mikor miért igen szia köszönöm kérem jó \
         nagyon de vagy is meg volt lesz itt ott csak már még ha reggelt napot estét éjszakát ma holnap most \
         idő",
    ),
    (
        "id",
        "yang dan di ke dari ini itu tidak bukan ada adalah saya aku kamu anda dia kami kita mereka apa siapa \
         bagaimana mana kapan mengapa ya halo terima kasih baik sangat tapi atau untuk dengan pada akan sudah \
         bisa selamat pagi siang malam hari besok sekarang waktu sini",
    ),
    (
        "it",
        "il lo la i gli le un una uno e è sono era non io tu lui lei noi voi mio mia tuo suo si che chi cosa \
         quale come dove quando perché per con del della dei delle al alla nel nella di da in su sì ciao \
         grazie bene molto più ma questo questa hai ho ha anche ogni o ti mi buongiorno buonasera buonanotte \
         giorno sera notte oggi domani adesso ora tempo qui buon buona benvenuto arrivederci",
    ),
    (
        "nb",
        "en et og er var ikke jeg du han hun vi dere de det den meg min din sin med for fra til på av i som \
         hva hvordan hvem hvor når hvorfor ja nei hei takk bra også men kan har hadde skal vil om dette denne \
         ingen god morgen dag kveld natt nå tid her velkommen",
    ),
    (
        "nl",
        "de het een en is zijn was niet ik jij je hij zij wij we u mij mijn jouw uw ons met voor van naar op \
         in aan bij wat hoe wie waar wanneer waarom ja nee hallo bedankt dank goed ook nog maar kan geen \
         heeft heb hebben wordt worden als uit over deze dit dat er te om goedemorgen goedemiddag goedenavond \
         morgen dag avond nacht vandaag nu tijd hier welkom goede doei",
    ),
    (
        "pl",
        "i w z na do nie to jest są był była że się ja ty on ona my wy co jak kto gdzie kiedy dlaczego tak \
         cześć dziękuję dzięki proszę dobrze bardzo ale czy mój moja twój swój dla od po o za przez ten ta te \
         tego może mam masz dzień dobry wieczór noc dziś dzisiaj jutro teraz czas tutaj witam",
    ),
    (
        "pt",
        "o a os as um uma uns e é são era não eu tu você ele ela nós meu minha seu sua se que quem qual como \
         onde quando porque por para com do da dos das no na nos nas ao em de sim olá oi obrigado obrigada \
         bem muito mais mas este esta isso há está estão foi tem ou bom boa dia tarde noite hoje amanhã agora \
         tempo aqui tchau",
    ),
    (
        "ro",
        "și în la nu este sunt era eu tu el ea noi voi ei un o una al ai ale cu de din pe pentru care ce cine \
         cum unde când da bună salut mulțumesc mersi bine foarte dar sau mai acest această să se vă dimineața \
         ziua seara noapte azi mâine acum timp aici",
    ),
    (
        "ru",
        "и в не на что я он она мы вы ты мне меня тебе тебя мой моя твой твоя это эта этот все всё как кто \
         где когда почему для от из за по с у к о так но да нет привет здравствуйте спасибо пожалуйста есть \
         был была было нас вас его её их уже ещё или если только очень никто ничего какая какой доброе добрый \
         утро день вечер ночь сегодня завтра сейчас время здесь",
    ),
    (
        "sk",
        "a i v z na do nie to je som sú bol bola sa že ja ty on my vy čo ako kto kde kedy prečo áno ahoj \
         ďakujem prosím dobre veľmi ale alebo môj moje tvoj od pre po o za s k ten tá tento táto byť má mám \
         máte dobrý deň ráno večer dnes zajtra teraz čas tu",
    ),
    (
        "sv",
        "en ett och är var inte jag du han hon vi ni de det den mig min din sin med för från till på av i som \
         vad hur vem när varför ja nej hej tack bra också men kan har hade ska vill om detta denna inga ingen \
         god morgon dag kväll natt idag imorgon nu tid här välkommen",
    ),
    (
        "tr",
        "bir ve bu şu o için ile de da ne nasıl kim nerede neden var yok değil ben sen biz siz evet hayır \
         merhaba teşekkürler lütfen iyi çok daha ama mi mı gibi günaydın akşamlar geceler gün bugün yarın \
         şimdi zaman burada hoş",
    ),
    (
        "uk",
        "і й в у не на що я він вона ми ви ти мені мене тобі мій моя це цей ця все як хто де коли чому для \
         від з із за по до так але та ні привіт дякую будь є був була було нас вас його її їх вже ще або якщо \
         тільки дуже добрий доброго ранок день вечір сьогодні завтра зараз час тут",
    ),
    (
        "ur",
        "میں سے کو کا کی کے ہے ہیں تھا نہیں یہ وہ اور پر نے آپ ہم تم کیا کیسے کہاں کب کیوں ہاں جی سلام شکریہ",
    ),
];

/// The language with most of a text's words, and by how many it leads; none without a leader. A word that several languages have is shared among
/// them.
pub(super) fn lead(text: &str) -> Option<(&'static str, f64)> {
    let words: Vec<String> = text
        .unicode_words()
        .map(|word| word.to_lowercase().replace('’', "'"))
        .collect();
    let mut languages_of = vec![0_u32; words.len()];
    let mut known: Vec<(&'static str, Vec<usize>)> = Vec::new();
    for (language, list) in WORDS {
        let common: Vec<&str> = list.split_whitespace().collect();
        let mine = |at: &usize| common.contains(&words[*at].as_str());
        let mine: Vec<usize> = (0..words.len()).filter(mine).collect();
        for at in &mine {
            languages_of[*at] += 1;
        }
        known.push((language, mine));
    }
    let share = |at: &usize| 1.0 / f64::from(languages_of[*at]);
    let mut counts: Vec<(&'static str, f64)> = known
        .iter()
        .map(|(language, mine)| (*language, mine.iter().map(share).sum()))
        .collect();
    counts.sort_by(|one, other| other.1.total_cmp(&one.1));
    let (first, second) = (counts.first()?, counts.get(1)?);
    (first.1 > second.1).then_some((first.0, first.1 - second.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_words_give_a_language_away() {
        for (text, language) in [
            ("Where are you?", "en"),
            ("où es-tu", "fr"),
            ("C’est bon", "fr"),
            ("Какая твоя любимая книга?", "ru"),
            ("Что нового?", "ru"),
            ("Дякую", "uk"),
        ] {
            assert!(
                matches!(lead(text), Some((found, _)) if found == language),
                "{text}: {:?}",
                lead(text)
            );
        }
    }

    #[test]
    fn words_of_several_languages_and_of_none_give_nothing_away() {
        for text in ["", "42", "kettle", "a", "no no no", "hallo"] {
            assert_eq!(lead(text), None, "{text}");
        }
    }

    #[test]
    fn no_word_stands_twice_and_all_are_small() {
        for (language, list) in WORDS {
            let words: Vec<&str> = list.split_whitespace().collect();
            let distinct: std::collections::HashSet<_> = words.iter().collect();
            assert_eq!(distinct.len(), words.len(), "{language}");
            assert_eq!(list.to_lowercase(), list, "{language}");
        }
    }
}
