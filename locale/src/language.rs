//! Languages as people name them: by code, with or without a region, or by name.

/// Each language: its code, then what else it is called, in lower case: other codes (ISO 639-2 and -3, and older ones), its English name, its own, and its Chinese one.
const NAMES: [&str; 105] = [
    "af,afr,afrikaans,南非荷兰语",
    "am,amh,amharic,አማርኛ,阿姆哈拉语",
    "ar,ara,arabic,العربية,عربي,阿拉伯语",
    "as,asm,assamese,অসমীয়া",
    "az,aze,azerbaijani,azərbaycanca,azərbaycan dili",
    "ba,bak,bashkir,башҡорт,башҡортса",
    "be,bel,belarusian,belorussian,беларуская,白俄罗斯语",
    "bg,bul,bulgarian,български,保加利亚语",
    "bn,ben,bengali,bangla,বাংলা,孟加拉语",
    "bo,bod,tib,tibetan,བོད་སྐད་,藏语",
    "br,bre,breton,brezhoneg",
    "bs,bos,bosnian,bosanski,波斯尼亚语",
    "ca,cat,catalan,valencian,català,catala,valencià,加泰罗尼亚语",
    "cs,ces,cze,czech,čeština,cestina,česky,捷克语",
    "cy,cym,wel,welsh,cymraeg,威尔士语",
    "da,dan,danish,dansk,丹麦语",
    "de,deu,ger,german,deutsch,德语,德文",
    "el,ell,gre,greek,ελληνικά,ελληνικα,希腊语",
    "en,eng,english,英语,英文",
    "eo,epo,esperanto,世界语",
    "es,spa,spanish,castilian,español,espanol,castellano,西班牙语",
    "et,est,estonian,eesti,爱沙尼亚语",
    "eu,eus,baq,basque,euskara,巴斯克语",
    "fa,fas,per,pes,persian,farsi,فارسی,波斯语",
    "fi,fin,finnish,suomi,芬兰语",
    "fo,fao,faroese,føroyskt",
    "fr,fra,fre,french,français,francais,法语,法文",
    "ga,gle,irish,gaeilge,爱尔兰语",
    "gl,glg,galician,galego,加利西亚语",
    "gu,guj,gujarati,ગુજરાતી",
    "ha,hau,hausa,هَوُسَ",
    "haw,hawaiian,ʻōlelo hawaiʻi",
    "he,heb,iw,hebrew,עברית,希伯来语",
    "hi,hin,hindi,हिन्दी,हिंदी,印地语",
    "hr,hrv,croatian,hrvatski,克罗地亚语",
    "ht,hat,haitian creole,haitian,kreyòl ayisyen,kreyòl",
    "hu,hun,hungarian,magyar,匈牙利语",
    "hy,hye,arm,armenian,հայերեն,亚美尼亚语",
    "id,ind,in,indonesian,bahasa indonesia,印度尼西亚语",
    "is,isl,ice,icelandic,íslenska,islenska,冰岛语",
    "it,ita,italian,italiano,意大利语",
    "ja,jpn,japanese,日本語,日语,日文",
    "jw,jv,jav,javanese,basa jawa,爪哇语",
    "ka,kat,geo,georgian,ქართული,格鲁吉亚语",
    "kk,kaz,kazakh,қазақ,қазақша,哈萨克语",
    "km,khm,khmer,ខ្មែរ,高棉语",
    "kn,kan,kannada,ಕನ್ನಡ",
    "ko,kor,korean,한국어,韩语,朝鲜语",
    "la,lat,latin,latina,拉丁语",
    "lb,ltz,luxembourgish,letzeburgesch,lëtzebuergesch,卢森堡语",
    "ln,lin,lingala,lingála",
    "lo,lao,ລາວ,老挝语",
    "lt,lit,lithuanian,lietuvių,立陶宛语",
    "lv,lav,latvian,latviešu,拉脱维亚语",
    "mg,mlg,malagasy",
    "mi,mri,mao,maori,māori",
    "mk,mkd,mac,macedonian,македонски,马其顿语",
    "ml,mal,malayalam,മലയാളം",
    "mn,mon,mongolian,монгол,蒙古语",
    "mr,mar,marathi,मराठी",
    "ms,msa,may,malay,bahasa melayu,马来语",
    "mt,mlt,maltese,malti,马耳他语",
    "my,mya,bur,burmese,myanmar,မြန်မာ,缅甸语",
    "ne,nep,nepali,नेपाली,尼泊尔语",
    "nl,nld,dut,dutch,flemish,nederlands,vlaams,荷兰语",
    "nn,nno,nynorsk,norwegian nynorsk,norsk nynorsk",
    "no,nor,nb,nob,norwegian,bokmål,bokmal,norsk,norsk bokmål,挪威语",
    "oc,oci,occitan",
    "pa,pan,punjabi,panjabi,ਪੰਜਾਬੀ,旁遮普语",
    "pl,pol,polish,polski,波兰语",
    "ps,pus,pashto,pushto,پښتو,普什图语",
    "pt,por,portuguese,português,portugues,葡萄牙语",
    "ro,ron,rum,mo,romanian,moldavian,moldovan,română,romana,罗马尼亚语",
    "ru,rus,russian,русский,русский язык,俄语,俄文",
    "sa,san,sanskrit,संस्कृतम्,梵语",
    "sd,snd,sindhi,سنڌي",
    "si,sin,sinhala,sinhalese,සිංහල,僧伽罗语",
    "sk,slk,slo,slovak,slovenčina,slovencina,斯洛伐克语",
    "sl,slv,slovenian,slovene,slovenščina,slovenscina,斯洛文尼亚语",
    "sn,sna,shona,chishona",
    "so,som,somali,soomaali",
    "sq,sqi,alb,albanian,shqip,阿尔巴尼亚语",
    "sr,srp,serbian,српски,srpski,塞尔维亚语",
    "su,sun,sundanese,basa sunda",
    "sv,swe,swedish,svenska,瑞典语",
    "sw,swa,swahili,kiswahili,斯瓦希里语",
    "ta,tam,tamil,தமிழ்,泰米尔语",
    "te,tel,telugu,తెలుగు,泰卢固语",
    "tg,tgk,tajik,тоҷикӣ,塔吉克语",
    "th,tha,thai,ไทย,ภาษาไทย,泰语",
    "tk,tuk,turkmen,türkmençe,土库曼语",
    "tl,tgl,fil,tagalog,filipino,他加禄语,菲律宾语",
    "tr,tur,turkish,türkçe,turkce,土耳其语",
    "tt,tat,tatar,татар,татарча,鞑靼语",
    "uk,ukr,ukrainian,українська,乌克兰语",
    "ur,urd,urdu,اردو,乌尔都语",
    "uz,uzb,uzbek,oʻzbek,o'zbek,乌兹别克语",
    "vi,vie,vietnamese,tiếng việt,tieng viet,越南语",
    "yi,yid,ji,yiddish,ייִדיש,意第绪语",
    "yo,yor,yoruba,yorùbá",
    "yue,cantonese,粤语,粵語,廣東話,广东话",
    "zh,zho,chi,cmn,chinese,mandarin,中文,汉语,漢語,普通话,國語",
    "zu,zul,zulu,isizulu,祖鲁语",
    "xh,xho,xhosa,isixhosa",
    "ig,ibo,igbo",
];

/// The code of a language that somebody named: `de` for `de`, `DE`, `de-AT`, `de_DE.UTF-8`, `deu`, `german` and `Deutsch`. None of what is not known here.
///
/// ```
/// use aimass_locale::language_code;
///
/// assert_eq!(language_code("zh-CN"), Some("zh"));
/// assert_eq!(language_code("Français"), Some("fr"));
/// assert_eq!(language_code("tlh"), None);
/// ```
#[must_use]
pub fn language_code(named: &str) -> Option<&'static str> {
    let named = named.trim().to_lowercase();
    // What stands behind the language is a script, a region, or how it is written down.
    let code = named.split(['-', '_', '.', '@']).next().unwrap_or_default();
    let is = |names: &str| names.split(',').any(|name| name == named || name == code);
    let names = NAMES.iter().find(|names| is(names))?;
    names.split(',').next()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn languages_are_known_by_what_people_call_them() {
        for (code, names) in [
            (
                "de",
                &[
                    "de",
                    "DE",
                    "De",
                    "de-AT",
                    "de_DE.UTF-8",
                    "deu",
                    "ger",
                    "german",
                    "German",
                    "GERMAN",
                    "Deutsch",
                    " deutsch ",
                    "德语",
                ][..],
            ),
            ("en", &["en", "EN", "en-GB", "eng", "English", "英语"]),
            (
                "zh",
                &[
                    "zh",
                    "zh-CN",
                    "zh_TW",
                    "zh-Hant-HK",
                    "cmn",
                    "Chinese",
                    "Mandarin",
                    "中文",
                ],
            ),
            ("fr", &["fr-CA", "Français", "francais", "french"]),
            (
                "es",
                &["ES", "Español", "espanol", "spanish", "es-419", "Castilian"],
            ),
            ("pt", &["pt-BR", "Português"]),
            ("ja", &["jpn", "日本語", "Japanese"]),
            ("no", &["nb", "nb-NO", "norsk", "Norwegian"]),
            ("jw", &["jv", "jw", "Javanese"]),
            ("he", &["iw", "עברית"]),
            ("yue", &["yue-HK", "Cantonese"]),
            ("ht", &["Haitian Creole"]),
            ("ru", &["Русский", "РУССКИЙ"]),
            ("el", &["ΕΛΛΗΝΙΚΑ"]),
        ] {
            for name in names {
                assert_eq!(language_code(name), Some(code), "{name}");
            }
        }
        for unknown in [
            "",
            " ",
            "-",
            "xx",
            "klingon",
            "en us",
            "deutsche sprache",
            "e",
            ",",
        ] {
            assert_eq!(language_code(unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn no_name_stands_for_two_languages_and_all_are_in_lower_case() {
        let mut seen = HashSet::new();
        for names in NAMES {
            for name in names.split(',') {
                assert_eq!(name, name.to_lowercase());
                assert!(seen.insert(name), "{name} stands there twice");
                assert_eq!(language_code(name), names.split(',').next());
            }
        }
    }
}
