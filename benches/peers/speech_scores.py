"""What a transcript is worth: errors beside a reference, invented words, and how near two translations are."""

import re
import unicodedata

# Written either way by speakers of English, and by Whisper.
ENGLISH = {"mr": "mister", "mrs": "missus", "0": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven", "8": "eight",
           "9": "nine", "10": "ten"}


def units(text, language):
    """What is counted: words in lower case without punctuation, English numbers up to ten as words; simplified characters of Chinese."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub(r"['’]", "" if language == "en" else " ", text)
    words = "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in text).split()
    if language == "zh":
        return list(simplified("".join(words)))
    return [ENGLISH.get(word, word) for word in words] if language == "en" else words


def simplified(text):
    """Whisper writes Chinese in traditional characters as it likes; both mean the same words."""
    import opencc
    return opencc.OpenCC("t2s").convert(text)


def edits(reference, found):
    """The fewest edits between two sequences, as (substituted, left out, inserted)."""
    row = [(inserted, 0, 0, inserted) for inserted in range(len(found) + 1)]
    for number, wanted in enumerate(reference, 1):
        before, row = row, [(number, 0, number, 0)]
        for place, word in enumerate(found, 1):
            total, substituted, left_out, inserted = before[place - 1]
            choices = [(total + (word != wanted), substituted + (word != wanted), left_out, inserted)]
            total, substituted, left_out, inserted = before[place]
            choices.append((total + 1, substituted, left_out + 1, inserted))
            total, substituted, left_out, inserted = row[place - 1]
            choices.append((total + 1, substituted, left_out, inserted + 1))
            row.append(min(choices))
    return row[-1][1:]


def error_rate(pairs):
    """Edits over all of (reference, found), beside the length of the references."""
    wrong = sum(sum(edits(reference, found)) for reference, found in pairs)
    return wrong / max(1, sum(len(reference) for reference, _ in pairs))


def chrf(reference, found, longest=6, weight=2.0):
    """chrF of Popović, "chrF: character n-gram F-score for automatic MT evaluation", 2015: from 0 to 1, over all of two lists of texts."""
    scores = []
    for length in range(1, longest + 1):
        common = wanted = got = 0
        for one, other in zip(reference, found):
            one, other = grams(one, length), grams(other, length)
            common += sum(min(count, other.get(gram, 0)) for gram, count in one.items())
            wanted, got = wanted + sum(one.values()), got + sum(other.values())
        if wanted and got and common:
            precision, recall = common / got, common / wanted
            scores.append((1 + weight ** 2) * precision * recall / (weight ** 2 * precision + recall))
        else:
            scores.append(0.0)
    return sum(scores) / len(scores)


def grams(text, length):
    letters, counts = "".join(text.split()), {}
    for start in range(len(letters) - length + 1):
        gram = letters[start:start + length]
        counts[gram] = counts.get(gram, 0) + 1
    return counts
