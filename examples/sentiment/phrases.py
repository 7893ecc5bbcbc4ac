"""Generated phrases: some to learn from, and a test of word order made of words that those do not contain.

Reviews alone do not teach a small network what "not" does: it is rare next to the word that it turns round, and the
reviews' other words say enough. The training phrases show it on 94 adjectives. The test asks for it on 60 others,
whose meaning is known from the reviews alone, with other subjects, and in part in other forms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reviews import Example, tokenise

# Adjectives for films, sorted by what they mean; each is in at least four reviews, those of the test in eight.
TRAINING_POSITIVE = """
    great funny interesting entertaining compelling fascinating sweet clever smart enjoyable engaging amusing charming
    intelligent fresh beautiful powerful perfect hilarious satisfying terrific honest brilliant warm thoughtful worthy
    excellent wonderful remarkable gorgeous nice effective impressive lovely exciting creative delightful convincing
    inspired sincere pleasant sophisticated stunning amazing worthwhile heartfelt promising""".split()
TRAINING_NEGATIVE = """
    dull boring dumb stupid ugly awful flawed lame painful terrible forced poor depressing weak lazy mindless empty
    ridiculous awkward dreary irritating repetitive annoying frustrating offensive disappointing unpleasant confusing
    nasty horrible ludicrous pathetic trite lousy crude chaotic disjointed obnoxious unfocused fake humorless harsh
    messy miserable grating sappy silly""".split()
TEST_POSITIVE = """
    good witty moving touching poignant absorbing memorable gripping refreshing imaginative riveting tender uplifting
    insightful subtle intriguing strong original stylish likable inventive engrossing dazzling extraordinary vivid
    elegant lively thrilling rewarding spirited""".split()
TEST_NEGATIVE = """
    bad tedious bland pretentious predictable shallow contrived clumsy unfunny pointless stale lifeless sloppy tiresome
    uneven flat inept formulaic overlong amateurish generic hackneyed incoherent listless plodding superficial
    derivative hollow forgettable mediocre""".split()

TRAINING_SUBJECTS = ("the film", "the movie", "the comedy", "the plot", "the script", "the acting", "it", "that")
TEST_SUBJECTS = ("this movie", "the ending", "the dialogue")

# A form as the subject s and the adjective a say it, and its negation; {an} is "a" or "an" as the adjective needs.
TRAINING_FORMS = (
    ("{s} is {a}", "{s} is not {a}"),
    ("{s} is {a}", "{s} isn't {a}"),
    ("{s} was {a}", "{s} was never {a}"),
    ("{s} is {an} {a} one", "{s} is not {an} {a} one"),
    ("{an} {a} film", "not {an} {a} film"),
    ("i find {s} {a}", "i do not find {s} {a}"),
    ("{s} seems {a}", "{s} doesn't seem {a}"),
    ("{s} is a very {a} film", "{s} is not a very {a} film"),
    ("i would call {s} {a}", "i would not call {s} {a}"),
    ("{s} has {an} {a} story", "{s} never has {an} {a} story"),
    ("everyone says {s} is {a}", "nobody says {s} is {a}"),
)
TEST_FORMS = (("{s} is {a}", "{s} is not {a}"), ("{s} is {a}", "{s} isn't {a}"))
OTHER_WORDING = (
    ("they gave us {an} {a} film", "they did not give us {an} {a} film"),
    ("critics found it {a}", "critics didn't find it {a}"),
    ("my friends think it looks {a}", "my friends never think it looks {a}"),
    ("we watched something {a}", "we watched nothing {a}"),
)

# {a} and {b} are adjectives of opposite meaning; the letter names the one whose meaning the sentence has.
TRAINING_CONTRASTS = (
    ("{s} is not {a} but {b}", "b"),
    ("{s} is {a} and not {b}", "a"),
    ("{s} isn't {a} , it is {b}", "b"),
)
TEST_CONTRASTS = (("{s} is {a} , not {b}", "a"), ("{s} is not {a} , it is {b}", "b"))

ADJECTIVES = frozenset(TRAINING_POSITIVE + TRAINING_NEGATIVE)
CLEAR = 0.95  # the target of a phrase that praises; one that blames has 1 - CLEAR


def phrase(form: str, positive: bool, group: str, **words: str) -> Example:
    an = "an" if words["a"][0] in "aeiou" else "a"
    return Example(tokenise(form.format(an=an, **words)), CLEAR if positive else 1 - CLEAR, group, generated=True)


def pair(forms: tuple[str, str], subject: str, adjective: str, positive: bool) -> tuple[Example, Example]:
    """X is A, which is what A is; X is not A, which is the opposite."""
    affirmed, negated = forms
    return (
        phrase(affirmed, positive, adjective, s=subject, a=adjective),
        phrase(negated, not positive, adjective, s=subject, a=adjective),
    )


def contrast(form: tuple[str, str], subject: str, good: str, bad: str) -> tuple[Example, Example]:
    """Two sentences of the same words in another order and of opposite meaning."""
    text, holds = form
    return (
        phrase(text, holds == "a", f"{good}/{bad}", s=subject, a=good, b=bad),
        phrase(text, holds == "b", f"{good}/{bad}", s=subject, a=bad, b=good),
    )


def opposites(positive: list[str], negative: list[str], shift: int = 0) -> Iterator[tuple[str, str]]:
    """Every positive adjective with a negative one; another shift gives other pairs."""
    for i, good in enumerate(positive):
        yield good, negative[(i + shift) % len(negative)]


def training_phrases() -> list[Example]:
    """Each subject twice with each training adjective: affirmed, negated and contrasted, the forms taken in turn."""
    phrases: list[Example] = []
    for again in range(2):
        for s, subject in enumerate(TRAINING_SUBJECTS):
            for i, (good, bad) in enumerate(opposites(TRAINING_POSITIVE, TRAINING_NEGATIVE, shift=s + 11 * again)):
                turn = i + 2 * s + 5 * again  # so that over the subjects each adjective comes by most forms
                forms = TRAINING_FORMS[turn % len(TRAINING_FORMS)]
                phrases += pair(forms, subject, good, True)
                phrases += pair(forms, subject, bad, False)
                phrases += contrast(TRAINING_CONTRASTS[turn % len(TRAINING_CONTRASTS)], subject, good, bad)
    return list(dict.fromkeys(phrases))  # the form without a subject can come twice


def negation_test(forms: Sequence[tuple[str, str]] = TEST_FORMS) -> tuple[list[Example], list[Example]]:
    """Every form with each test subject and adjective: all affirmed sentences, and all negated ones."""
    adjectives = [(adjective, True) for adjective in TEST_POSITIVE] + [
        (adjective, False) for adjective in TEST_NEGATIVE
    ]
    pairs = [
        pair(form, subject, adjective, positive)
        for form in forms
        for subject in TEST_SUBJECTS
        for adjective, positive in adjectives
    ]
    # Two forms can share their affirmed sentence, and a form without a subject comes out once for each of them.
    return list(dict.fromkeys(affirmed for affirmed, _ in pairs)), list(dict.fromkeys(negated for _, negated in pairs))


def order_test() -> list[Example]:
    """Pairs of sentences with the same words in another order and opposite meaning, one after the other.

    A bag of words gives both the same score, so it is right on exactly one of the two.
    """
    return [
        example
        for form in TEST_CONTRASTS
        for subject in TEST_SUBJECTS
        for good, bad in opposites(TEST_POSITIVE, TEST_NEGATIVE)
        for example in contrast(form, subject, good, bad)
    ]
