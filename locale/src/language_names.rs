//! The names of languages.

use crate::{Text, harmless};

/// Codes with their names in English and in Chinese.
const NAMES: [(&str, &str, &str); 34] = [
    ("ar", "Arabic", "阿拉伯语"),
    ("bg", "Bulgarian", "保加利亚语"),
    ("bn", "Bengali", "孟加拉语"),
    ("ca", "Catalan", "加泰罗尼亚语"),
    ("cs", "Czech", "捷克语"),
    ("da", "Danish", "丹麦语"),
    ("de", "German", "德语"),
    ("el", "Greek", "希腊语"),
    ("en", "English", "英语"),
    ("es", "Spanish", "西班牙语"),
    ("fa", "Persian", "波斯语"),
    ("fi", "Finnish", "芬兰语"),
    ("fr", "French", "法语"),
    ("he", "Hebrew", "希伯来语"),
    ("hi", "Hindi", "印地语"),
    ("hr", "Croatian", "克罗地亚语"),
    ("hu", "Hungarian", "匈牙利语"),
    ("id", "Indonesian", "印度尼西亚语"),
    ("it", "Italian", "意大利语"),
    ("ja", "Japanese", "日语"),
    ("ko", "Korean", "韩语"),
    ("la", "Latin", "拉丁语"),
    ("nb", "Norwegian", "挪威语"),
    ("nl", "Dutch", "荷兰语"),
    ("pl", "Polish", "波兰语"),
    ("pt", "Portuguese", "葡萄牙语"),
    ("ro", "Romanian", "罗马尼亚语"),
    ("ru", "Russian", "俄语"),
    ("sv", "Swedish", "瑞典语"),
    ("th", "Thai", "泰语"),
    ("tr", "Turkish", "土耳其语"),
    ("uk", "Ukrainian", "乌克兰语"),
    ("vi", "Vietnamese", "越南语"),
    ("zh", "Chinese", "中文"),
];

/// Characters of a code without a name that are shown.
const MAX_CODE: usize = 20;

/// Returns the name of the language of that ISO 639-1 code; the beginning of the code itself where the name is not known here.
#[must_use]
pub fn language_name(code: &str) -> Text {
    match NAMES.iter().find(|(known, ..)| *known == code) {
        Some((_, english, chinese)) => Text {
            english: (*english).to_owned(),
            chinese: (*chinese).to_owned(),
        },
        None => harmless::brief(code, MAX_CODE).into(),
    }
}
