"""Makes reviews.tsv.gz from the source distribution of vaderSentiment; needs Python alone.

    pip download --no-binary :all: --no-deps vaderSentiment==3.3.2
    python prepare.py vaderSentiment-3.3.2.tar.gz

The same input gives the same text. Nothing is selected here: every snippet is kept, in the order of the source,
and the rules that use it (labels, split) stand in ../reviews.py.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import tarfile
from pathlib import Path

SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
ARCHIVE = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
SNIPPETS = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"


def member(archive: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        file = tar.extractfile(name)
        if file is None:
            raise SystemExit(f"{name} is not a plain file in the archive")
        return file.read()


def table(source: str) -> str:
    """The source has lines `id TAB mean rating TAB text`; the table has `rating TAB text`, rating to two decimals."""
    lines = []
    for line in source.splitlines():
        _, rating, text = line.split("\t")
        lines.append(f"{float(rating):.2f}\t{' '.join(text.split())}\n")
    return "".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="make reviews.tsv.gz from vaderSentiment-3.3.2.tar.gz")
    parser.add_argument("sdist", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_name("reviews.tsv.gz"))
    arguments = parser.parse_args()

    sdist = arguments.sdist.read_bytes()
    if hashlib.sha256(sdist).hexdigest() != SHA256:
        raise SystemExit(f"{arguments.sdist} is not the vaderSentiment 3.3.2 that this script was written for")
    text = table(member(member(sdist, ARCHIVE), SNIPPETS).decode("utf-8"))
    # No name and no time in the header, so that the file depends on its content alone.
    arguments.output.write_bytes(gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0))
    print(f"{arguments.output}: {len(text.splitlines())} snippets")


if __name__ == "__main__":
    main()
