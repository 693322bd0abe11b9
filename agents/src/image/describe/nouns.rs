//! What the 80 classes of COCO are called in sentences.

use aimass_locale::Text;

/// How a thing is called.
struct Noun {
    /// Its name as detectors give it.
    name: &'static str,
    /// One of it, with its article.
    one: &'static str,
    /// Several of it, behind a number.
    several: &'static str,
    /// In Chinese.
    chinese: &'static str,
    /// The measure word that stands before it in Chinese.
    measure: &'static str,
}

/// Returns that many things of that name: `a dog` / `一只狗`, `3 dogs` / `3只狗`. A name that is not
/// known stands as it is.
pub(super) fn counted(name: &str, count: usize) -> Text {
    let Some(noun) = NOUNS.iter().find(|noun| noun.name == name) else {
        let english = match count {
            1 => name.to_owned(),
            more => format!("{more} × {name}"),
        };
        return Text::from(english);
    };
    let Noun {
        one,
        several,
        chinese,
        measure,
        ..
    } = noun;
    match count {
        1 => Text {
            english: (*one).to_owned(),
            chinese: format!("一{measure}{chinese}"),
        },
        more => Text {
            english: format!("{more} {several}"),
            chinese: format!("{more}{measure}{chinese}"),
        },
    }
}

const fn noun(
    name: &'static str,
    one: &'static str,
    several: &'static str,
    chinese: &'static str,
    measure: &'static str,
) -> Noun {
    Noun {
        name,
        one,
        several,
        chinese,
        measure,
    }
}

/// In the order of COCO.
const NOUNS: [Noun; 80] = [
    noun("person", "a person", "people", "人", "个"),
    noun("bicycle", "a bicycle", "bicycles", "自行车", "辆"),
    noun("car", "a car", "cars", "汽车", "辆"),
    noun("motorcycle", "a motorcycle", "motorcycles", "摩托车", "辆"),
    noun("airplane", "an airplane", "airplanes", "飞机", "架"),
    noun("bus", "a bus", "buses", "公交车", "辆"),
    noun("train", "a train", "trains", "火车", "列"),
    noun("truck", "a truck", "trucks", "卡车", "辆"),
    noun("boat", "a boat", "boats", "船", "艘"),
    noun(
        "traffic light",
        "a traffic light",
        "traffic lights",
        "红绿灯",
        "个",
    ),
    noun(
        "fire hydrant",
        "a fire hydrant",
        "fire hydrants",
        "消防栓",
        "个",
    ),
    noun("stop sign", "a stop sign", "stop signs", "停车标志", "个"),
    noun(
        "parking meter",
        "a parking meter",
        "parking meters",
        "停车计时器",
        "个",
    ),
    noun("bench", "a bench", "benches", "长椅", "张"),
    noun("bird", "a bird", "birds", "鸟", "只"),
    noun("cat", "a cat", "cats", "猫", "只"),
    noun("dog", "a dog", "dogs", "狗", "只"),
    noun("horse", "a horse", "horses", "马", "匹"),
    noun("sheep", "a sheep", "sheep", "羊", "只"),
    noun("cow", "a cow", "cows", "牛", "头"),
    noun("elephant", "an elephant", "elephants", "大象", "头"),
    noun("bear", "a bear", "bears", "熊", "只"),
    noun("zebra", "a zebra", "zebras", "斑马", "匹"),
    noun("giraffe", "a giraffe", "giraffes", "长颈鹿", "只"),
    noun("backpack", "a backpack", "backpacks", "背包", "个"),
    noun("umbrella", "an umbrella", "umbrellas", "雨伞", "把"),
    noun("handbag", "a handbag", "handbags", "手提包", "个"),
    noun("tie", "a tie", "ties", "领带", "条"),
    noun("suitcase", "a suitcase", "suitcases", "行李箱", "个"),
    noun("frisbee", "a frisbee", "frisbees", "飞盘", "个"),
    noun("skis", "a pair of skis", "pairs of skis", "滑雪板", "副"),
    noun("snowboard", "a snowboard", "snowboards", "单板滑雪板", "块"),
    noun("sports ball", "a ball", "balls", "球", "个"),
    noun("kite", "a kite", "kites", "风筝", "只"),
    noun(
        "baseball bat",
        "a baseball bat",
        "baseball bats",
        "棒球棒",
        "根",
    ),
    noun(
        "baseball glove",
        "a baseball glove",
        "baseball gloves",
        "棒球手套",
        "只",
    ),
    noun("skateboard", "a skateboard", "skateboards", "滑板", "块"),
    noun("surfboard", "a surfboard", "surfboards", "冲浪板", "块"),
    noun(
        "tennis racket",
        "a tennis racket",
        "tennis rackets",
        "网球拍",
        "把",
    ),
    noun("bottle", "a bottle", "bottles", "瓶子", "个"),
    noun("wine glass", "a wine glass", "wine glasses", "酒杯", "个"),
    noun("cup", "a cup", "cups", "杯子", "个"),
    noun("fork", "a fork", "forks", "叉子", "把"),
    noun("knife", "a knife", "knives", "刀", "把"),
    noun("spoon", "a spoon", "spoons", "勺子", "把"),
    noun("bowl", "a bowl", "bowls", "碗", "个"),
    noun("banana", "a banana", "bananas", "香蕉", "根"),
    noun("apple", "an apple", "apples", "苹果", "个"),
    noun("sandwich", "a sandwich", "sandwiches", "三明治", "个"),
    noun("orange", "an orange", "oranges", "橙子", "个"),
    noun(
        "broccoli",
        "a piece of broccoli",
        "pieces of broccoli",
        "西兰花",
        "块",
    ),
    noun("carrot", "a carrot", "carrots", "胡萝卜", "根"),
    noun("hot dog", "a hot dog", "hot dogs", "热狗", "个"),
    noun("pizza", "a pizza", "pizzas", "披萨", "个"),
    noun("donut", "a donut", "donuts", "甜甜圈", "个"),
    noun("cake", "a cake", "cakes", "蛋糕", "个"),
    noun("chair", "a chair", "chairs", "椅子", "把"),
    noun("couch", "a couch", "couches", "沙发", "张"),
    noun(
        "potted plant",
        "a potted plant",
        "potted plants",
        "盆栽",
        "盆",
    ),
    noun("bed", "a bed", "beds", "床", "张"),
    noun("dining table", "a table", "tables", "桌子", "张"),
    noun("toilet", "a toilet", "toilets", "马桶", "个"),
    noun("tv", "a screen", "screens", "屏幕", "个"),
    noun("laptop", "a laptop", "laptops", "笔记本电脑", "台"),
    noun("mouse", "a computer mouse", "computer mice", "鼠标", "个"),
    noun(
        "remote",
        "a remote control",
        "remote controls",
        "遥控器",
        "个",
    ),
    noun("keyboard", "a keyboard", "keyboards", "键盘", "个"),
    noun("cell phone", "a phone", "phones", "手机", "部"),
    noun("microwave", "a microwave", "microwaves", "微波炉", "台"),
    noun("oven", "an oven", "ovens", "烤箱", "台"),
    noun("toaster", "a toaster", "toasters", "烤面包机", "台"),
    noun("sink", "a sink", "sinks", "水槽", "个"),
    noun(
        "refrigerator",
        "a refrigerator",
        "refrigerators",
        "冰箱",
        "台",
    ),
    noun("book", "a book", "books", "书", "本"),
    noun("clock", "a clock", "clocks", "钟", "个"),
    noun("vase", "a vase", "vases", "花瓶", "个"),
    noun(
        "scissors",
        "a pair of scissors",
        "pairs of scissors",
        "剪刀",
        "把",
    ),
    noun("teddy bear", "a teddy bear", "teddy bears", "泰迪熊", "只"),
    noun("hair drier", "a hair dryer", "hair dryers", "吹风机", "个"),
    noun("toothbrush", "a toothbrush", "toothbrushes", "牙刷", "支"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_counted_in_both_languages() {
        let counted = |name, count| {
            let Text { english, chinese } = counted(name, count);
            format!("{english} / {chinese}")
        };
        assert_eq!(counted("person", 2), "2 people / 2个人");
        assert_eq!(counted("umbrella", 1), "an umbrella / 一把雨伞");
        assert_eq!(counted("scissors", 1), "a pair of scissors / 一把剪刀");
        assert_eq!(counted("quokka", 1), "quokka / quokka");
        assert_eq!(counted("quokka", 3), "3 × quokka / 3 × quokka");
    }
}
