"""Kinds of ImageNet classes, so that "dog" means all breeds: WordNet's hypernyms of the 1000 classes.

Fellbaum 1998, "WordNet: An Electronic Lexical Database". ImageNet's classes are numbered by the synsets of
WordNet 3.0, which Debian's package wordnet-base has. Only names that people use are kept: "instrumentality" would
take a share of every object.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from training.models.errors import UserError

WORDNET = Path("/usr/share/wordnet")  # where Debian's package wordnet-base puts it
FEWEST, MOST = 2, 400  # classes of a kind; a kind of more ("artifact") says nothing of what is seen
HYPERNYMS = ("@", "@i")  # the pointers of a synset to its kinds, and of an instance to its class


@dataclass(frozen=True)
class Kind:
    """names: what it is called, of the words that people use. classes: the numbers of its classes, ascending."""

    names: tuple[str, ...]
    classes: tuple[int, ...]


def kinds(synsets: list[str], used: Collection[str], wordnet: Path = WORDNET) -> list[Kind]:
    """The kinds of classes that have a name in used, in the order of their synsets.

    synsets: of each class, as ImageNet writes them ("n02084071"). UserError if WordNet is not there.
    """
    above = {offset: (names, hypernyms) for offset, names, hypernyms in read_nouns(nouns_file(wordnet))}
    below: dict[str, set[int]] = defaultdict(set)
    for number, synset in enumerate(synsets):
        waiting = [synset[1:]]
        while waiting:
            for kind in above[waiting.pop()][1]:
                if number not in below[kind]:
                    below[kind].add(number)
                    waiting.append(kind)
    found = []
    for offset, classes in sorted(below.items()):
        names = tuple(name for name in above[offset][0] if name in used)
        if names and FEWEST <= len(classes) <= MOST:
            found.append(Kind(names, tuple(sorted(classes))))
    return found


def nouns_file(wordnet: Path = WORDNET) -> Path:
    """WordNet's file of nouns; UserError that names the package if it is not there."""
    file = wordnet / "data.noun"
    if not file.is_file():
        raise UserError(
            f"The kinds of ImageNet's classes come from WordNet, and there is no {file}; "
            f"install Debian's package wordnet-base, or give its folder with --wordnet."
        )
    return file


def read_nouns(file: Path) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """The synsets of WordNet's data.noun: offset, names and the offsets of the hypernyms (wndb(5WN))."""
    with file.open(encoding="latin-1") as lines:
        for line in lines:
            if line.startswith("  "):  # the licence
                continue
            fields = line.partition(" | ")[0].split()
            count = int(fields[3], 16)
            names = tuple(name.replace("_", " ") for name in fields[4 : 4 + 2 * count : 2])
            pointers = fields[5 + 2 * count :]
            of = int(fields[4 + 2 * count])
            hypernyms = tuple(pointers[4 * i + 1] for i in range(of) if pointers[4 * i] in HYPERNYMS)
            yield fields[0], names, hypernyms
