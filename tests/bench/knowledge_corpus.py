"""FAQs and queries in any amount, always the same: words by Zipf's law, in topics, beside what the labelled sets say."""

import bisect
import json
import os
import random
import re

HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = 12000        # of the vocabulary
TOPICS = 300
TOPIC_WORDS = 40
LONG_SHARE = 0.4     # of the answers: of about 500 tokens, as a document's chunk has
LONG_WORDS = (280, 380)
SHORT_WORDS = (15, 60)


def labelled():
    """(question, answer, [what leads ask]) of the English sets."""
    found = []
    for name in ("home_services", "dental", "car_repair"):
        with open(os.path.join(HERE, "knowledge", name + ".json"), encoding="utf-8") as f:
            found += [(e["question"], e["answer"], [a["text"] for a in e["asked"]]) for e in json.load(f)["entries"]]
    return found


def words_of(text):
    return re.findall(r"[a-z]{2,}", text.lower())


def made_word(rng):
    syllables = [rng.choice("bcdfghklmnprstvw") + rng.choice(["a", "e", "i", "o", "u", "ea", "ou"]) +
                 rng.choice(["", "n", "r", "l", "s", "t", "ck"]) for _ in range(rng.randint(1, 3))]
    return "".join(syllables) + rng.choice(["", "", "er", "ing", "tion", "s", "ed", "ment"])


class Faq:
    def __init__(self, question, answer, topic, asked=()):
        self.question, self.answer, self.topic, self.asked = question, answer, topic, asked

    @property
    def entry(self):
        return {"question": self.question, "answer": self.answer}


class Corpus:
    """Made-up words make a vocabulary of 12,000, of which misspelt ones must be found. Without them texts are made of those of
    the labelled sets alone, and are short: a sentence model reads them as it would real ones."""

    def __init__(self, seed=1, made_words=True):
        self.long_share = LONG_SHARE if made_words else 0
        self.short_words = SHORT_WORDS if made_words else (10, 35)
        self.rng = random.Random(seed)
        self.labelled = labelled()
        counts = {}
        for question, answer, _ in self.labelled:
            for word in words_of(question + " " + answer):
                counts[word] = counts.get(word, 0) + 1
        # The commonest words of real FAQs come first, as in Zipf's law, and made-up ones fill the tail.
        self.words = sorted(counts, key=lambda word: (-counts[word], word))
        known = set(self.words)
        while made_words and len(self.words) < WORDS:
            word = made_word(self.rng)
            if len(word) > 3 and word not in known:
                known.add(word)
                self.words.append(word)
        total, self.cumulated = 0.0, []
        for rank in range(1, len(self.words) + 1):
            total += 1 / rank
            self.cumulated.append(total)
        self.topics = [[self.words[i] for i in self.rng.sample(range(60, len(self.words)), TOPIC_WORDS)] for _ in range(TOPICS)]

    def word(self, topic):
        if self.rng.random() < 0.3:
            return self.rng.choice(self.topics[topic])
        return self.words[bisect.bisect(self.cumulated, self.rng.random() * self.cumulated[-1])]

    def sentence(self, n, topic):
        return " ".join(self.word(topic) for _ in range(n)).capitalize()

    def text(self, n, topic):
        """About n words in sentences of 6 to 18, every third with a number."""
        sentences = []
        while n > 0:
            length = self.rng.randint(6, 18)
            number = f" ${self.rng.randint(10, 2000)}" if self.rng.random() < 0.3 else ""
            sentences.append(self.sentence(length, topic) + number + ".")
            n -= length
        return " ".join(sentences)

    def faqs(self, n):
        """n FAQs with different questions: those of the labelled sets first where there is room for them."""
        faqs = []
        if n >= len(self.labelled):
            faqs = [Faq(question, answer, self.rng.randrange(TOPICS), asked) for question, answer, asked in self.labelled]
        questions = {faq.question.lower() for faq in faqs}
        while len(faqs) < n:
            topic = self.rng.randrange(TOPICS)
            question = self.sentence(self.rng.randint(5, 12), topic) + "?"
            if question.lower() not in questions:
                questions.add(question.lower())
                is_long = self.rng.random() < self.long_share
                length = self.rng.randint(*(LONG_WORDS if is_long else self.short_words))
                faqs.append(Faq(question, self.text(length, topic), topic))
        return faqs

    def misspelt(self, word):
        i = self.rng.randrange(1, len(word) - 1)
        return word[:i] + word[i + 1] + word[i] + word[i + 2:]

    def query(self, faq):
        """3 to 12 words: what a lead asked, or words of the question and the answer, every fifth time one misspelt."""
        asked = [text for text in faq.asked if 3 <= len(text.split()) <= 12]
        if asked:
            return self.rng.choice(asked)
        words = words_of(faq.question) + self.rng.sample(words_of(faq.answer), 4)
        words = [words[i] for i in sorted(self.rng.sample(range(len(words)), min(len(words), self.rng.randint(3, 12))))]
        if self.rng.random() < 0.2:
            i = max(range(len(words)), key=lambda place: len(words[place]))
            if len(words[i]) > 4:
                words[i] = self.misspelt(words[i])
        return " ".join(words)

    def queries(self, faqs, n):
        """n different queries, each with the FAQ that it is about."""
        found = {}
        while len(found) < n:
            faq = self.rng.choice(faqs[:len(self.labelled)] if self.rng.random() < 0.3 else faqs)
            found.setdefault(self.query(faq), faq)
        return list(found.items())
