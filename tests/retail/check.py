#!/usr/bin/env python3
"""What central and an institution should have, computed from the source file alone, against what they have.

usage: check.py figures PEOPLE FIGURES.json     PEOPLE: "shard,user_id,customer_no,kind,country" of every user
       check.py documents PEOPLE FOLDER         FOLDER: what the institution of Europe has received
"""
import collections
import concurrent.futures
import csv
import decimal
import io
import json
import pathlib
import re
import subprocess
import sys
import tomllib

RETAIL = pathlib.Path(__file__).resolve().parents[2] / "examples/retail"
PERSONS_MIN = 5


def invoices(people):
    """Every invoice of the source, with the shard its person lives in."""
    countries = tomllib.loads((RETAIL / "load.toml").read_text())["countries"]
    customers, counters = {}, {}
    for shard, user, customer, kind, country in csv.reader(open(people)):
        if kind == "counter":
            counters[country] = (shard, user)
        else:
            customers[customer] = (shard, user)
    text = subprocess.run(["zstdcat", RETAIL / "data/invoices.csv.zst"], check=True, capture_output=True, text=True).stdout
    for row in csv.DictReader(io.StringIO(text)):
        country = countries[row["country"]]
        shard, user = customers[row["customer_id"]] if row["customer_id"] else counters[country]
        yield shard, user, country, row


def figures(people, file):
    cells = collections.defaultdict(lambda: [0, decimal.Decimal(0), 0, set()])
    for shard, user, country, row in invoices(people):
        cell = cells[shard, country, row["first_line_at"][:7]]
        cell[0] += 1
        cell[1] += decimal.Decimal(row["total_gbp"])
        cell[2] += int(row["lines"])
        cell[3].add(user)
    expected = collections.defaultdict(lambda: [0, decimal.Decimal(0), 0])
    withheld = 0
    for (_, country, month), cell in cells.items():
        if len(cell[3]) < PERSONS_MIN:
            withheld += 1
            continue
        for i in range(3):
            expected[country, month][i] += cell[i]
    found = {}
    for row in json.load(open(file), parse_float=decimal.Decimal)["rows"]:
        found[row["country"], row["month"]] = [int(row["count"]), decimal.Decimal(str(row["total"])), int(decimal.Decimal(str(row["lines"])))]
    wrong = [(key, expected.get(key), found.get(key)) for key in sorted(set(expected) | set(found)) if expected.get(key) != found.get(key)]
    print(f"{len(found)} figures, {withheld} of {len(cells)} cells withheld, {len(wrong)} wrong {wrong[:5]}")
    return not wrong and found and withheld


def read(file):
    """What a document says: its invoice and its total."""
    text = subprocess.run(["pdftotext", "-layout", file, "-"], check=True, capture_output=True, text=True).stdout
    lines = text.splitlines()
    for labels, values in zip(lines, lines[1:]):
        labels = re.split(r"\s{2,}", labels.strip())
        if "total" in labels:
            total = re.split(r"\s{2,}", values.strip())[labels.index("total")]
            return re.search(r"Invoice (\S+)", text)[1], decimal.Decimal(total)
    raise ValueError(f"{file} says no total:\n{text}")


def good(file):
    for command in (["qpdf", "--check", file], ["pdffonts", file]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0 or (command[0] == "pdffonts" and re.search(r"\bno\s+(yes|no)\s+(yes|no)\s+\d+\s+\d+$", done.stdout, re.M)):
            return f"{file.name}: {done.stdout}{done.stderr}"
    return None


def documents(people, folder):
    expected = collections.Counter((row["invoice_no"], decimal.Decimal(row["total_gbp"]))
                                   for shard, _, _, row in invoices(people) if shard.startswith("eu-"))
    files = sorted(pathlib.Path(folder).glob("*/*.pdf"))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = collections.Counter(pool.map(read, files))
        refused = [said for said in pool.map(good, files[::20]) if said]
    valid = subprocess.run(["java", "-cp", "/usr/share/java/*", "org.apache.pdfbox.preflight.Validator_A1b", files[len(files) // 2]],
                           capture_output=True, text=True).stdout
    print(f"{len(files)} documents, {sum(expected.values())} expected; missing {list((expected - found).items())[:3]}, too many "
          f"{list((found - expected).items())[:3]}; refused {refused[:2]}; {valid.strip()[-200:]}")
    return expected == found and not refused and "is a valid PDF/A-1b file" in valid


if __name__ == "__main__":
    sys.exit(0 if {"figures": figures, "documents": documents}[sys.argv[1]](sys.argv[2], sys.argv[3]) else 1)
