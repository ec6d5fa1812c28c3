"""Small Python problems with a right solution and tests, and five kinds of answer to each.

A problem is one function in one file: enough for a gate to show whether it looks at what the code does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """What is asked, the stub it starts from, a right solution, and the assertions that decide."""

    name: str
    prompt: str
    signature: str
    body: str
    checks: str
    imports: str = ""

    @property
    def path(self) -> str:
        """The file to be written."""
        return f"{self.name}.py"

    @property
    def files(self) -> Mapping[str, str]:
        """The project before the answer."""
        return {self.path: self.code('    """Not written yet."""\n')}

    @property
    def tests(self) -> Mapping[str, str]:
        """A test file with one test for each assertion."""
        lines = [f"from {self.name} import {self.name}\n"]
        for number, check in enumerate(self.checks.strip().splitlines(), 1):
            lines.append(f"\n\ndef test_{number}():\n    assert {check.strip()}\n")
        return {f"test_{self.name}.py": "".join(lines)}

    def code(self, body: str) -> str:
        """The file with another body."""
        return f"{self.imports}{self.signature}\n{body}"


def answers(problem: Problem) -> Mapping[str, str]:
    """The five kinds of answer, as a model would write them."""
    right = problem.code(problem.body)
    return {
        "right": _told(problem, right),
        "does not parse": _told(problem, _broken(right)),
        "only `pass`": _told(problem, problem.code("    pass\n")),
        "returns None": _told(problem, problem.code("    return None\n")),
        "cut at 60 %": _opening(problem) + right[: len(right) * 6 // 10],
    }


KINDS = ("right", "does not parse", "only `pass`", "returns None", "cut at 60 %")


def _opening(problem: Problem) -> str:
    return f"Here is the implementation of `{problem.name}`.\n\n{problem.path}\n```python\n"


def _told(problem: Problem, code: str) -> str:
    return (
        f"{_opening(problem)}{code}```\n\n"
        f"The function `{problem.name}` handles the cases described in the task, including the edge cases.\n"
    )


def _broken(code: str) -> str:
    """The code without the last closing bracket or colon whose loss makes it no Python."""
    for index in range(len(code) - 1, -1, -1):
        if code[index] in ")]}:":
            candidate = code[:index] + code[index + 1 :]
            try:
                compile(candidate, "answer", "exec")
            except SyntaxError:
                return candidate
    raise ValueError("no bracket or colon of this code is needed")


PROBLEMS = (
    Problem(
        name="slugify",
        prompt="Write slugify(text): lower case, words of letters and digits joined by single hyphens.",
        imports="import re\n\n\n",
        signature="def slugify(text):",
        body='    words = re.findall(r"[a-z0-9]+", text.lower())\n    return "-".join(words)\n',
        checks="""
            slugify("Hello, World!") == "hello-world"
            slugify("  Release 2.0 -- notes ") == "release-2-0-notes"
            slugify("???") == ""
        """,
    ),
    Problem(
        name="roman",
        prompt="Write roman(number): the Roman numeral of an integer from 1 to 3999.",
        signature="def roman(number):",
        body="""    table = [
        (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"),
        (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
    ]
    written = ""
    for value, sign in table:
        count, number = divmod(number, value)
        written += sign * count
    return written
""",
        checks="""
            roman(1994) == "MCMXCIV"
            roman(4) == "IV"
            roman(3999) == "MMMCMXCIX"
        """,
    ),
    Problem(
        name="balanced",
        prompt="Write balanced(text): whether every bracket of (), [] and {} is closed in the right order.",
        signature="def balanced(text):",
        body="""    partner = {")": "(", "]": "[", "}": "{"}
    opened = []
    for sign in text:
        if sign in "([{":
            opened.append(sign)
        elif sign in partner and (not opened or opened.pop() != partner[sign]):
            return False
    return not opened
""",
        checks="""
            balanced("f(a[1], {2: 3})") is True
            balanced("(]") is False
            balanced("((") is False
        """,
    ),
    Problem(
        name="flatten",
        prompt="Write flatten(items): the elements of arbitrarily nested lists as one flat list, in order.",
        signature="def flatten(items):",
        body="""    flat = []
    for item in items:
        if isinstance(item, list):
            flat.extend(flatten(item))
        else:
            flat.append(item)
    return flat
""",
        checks="""
            flatten([1, [2, [3, []], 4]]) == [1, 2, 3, 4]
            flatten([]) == []
            flatten([[["a"]], "bc"]) == ["a", "bc"]
        """,
    ),
    Problem(
        name="chunked",
        prompt="Write chunked(items, size): consecutive lists of at most size items; ValueError for size < 1.",
        signature="def chunked(items, size):",
        body="""    if size < 1:
        raise ValueError("size must be at least 1")
    return [list(items[start : start + size]) for start in range(0, len(items), size)]
""",
        checks="""
            chunked([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]
            chunked("abc", 5) == [["a", "b", "c"]]
            chunked([], 3) == []
        """,
    ),
    Problem(
        name="parse_duration",
        prompt="Write parse_duration(text): seconds of durations such as '1h30m', '45s' or '2d'; ValueError else.",
        imports="import re\n\n\n",
        signature="def parse_duration(text):",
        body="""    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    if not re.fullmatch(r"(\\d+[dhms])+", text):
        raise ValueError(f"not a duration: {text!r}")
    return sum(int(count) * units[unit] for count, unit in re.findall(r"(\\d+)([dhms])", text))
""",
        checks="""
            parse_duration("1h30m") == 5400
            parse_duration("45s") == 45
            parse_duration("2d1s") == 172801
        """,
    ),
    Problem(
        name="run_lengths",
        prompt="Write run_lengths(text): a list of (character, count) for each run of equal characters.",
        signature="def run_lengths(text):",
        body="""    runs = []
    for sign in text:
        if runs and runs[-1][0] == sign:
            runs[-1] = (sign, runs[-1][1] + 1)
        else:
            runs.append((sign, 1))
    return runs
""",
        checks="""
            run_lengths("aaab") == [("a", 3), ("b", 1)]
            run_lengths("") == []
            run_lengths("aba") == [("a", 1), ("b", 1), ("a", 1)]
        """,
    ),
    Problem(
        name="merge_intervals",
        prompt="Write merge_intervals(intervals): overlapping or touching (start, end) pairs joined, sorted.",
        signature="def merge_intervals(intervals):",
        body="""    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
""",
        checks="""
            merge_intervals([(5, 6), (1, 3), (2, 4)]) == [(1, 4), (5, 6)]
            merge_intervals([(1, 2), (2, 3)]) == [(1, 3)]
            merge_intervals([]) == []
        """,
    ),
    Problem(
        name="levenshtein",
        prompt="Write levenshtein(a, b): the least number of insertions, deletions and substitutions from a to b.",
        signature="def levenshtein(a, b):",
        body="""    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            best = min(row[j] + 1, row[j - 1] + 1, before + (left != right))
            before, row[j] = row[j], best
    return row[-1]
""",
        checks="""
            levenshtein("kitten", "sitting") == 3
            levenshtein("", "abc") == 3
            levenshtein("same", "same") == 0
        """,
    ),
    Problem(
        name="median",
        prompt="Write median(values): the middle value, the mean of the two middle ones for an even count.",
        signature="def median(values):",
        body="""    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2
""",
        checks="""
            median([3, 1, 2]) == 2
            median([4, 1, 3, 2]) == 2.5
            median([7]) == 7
        """,
    ),
    Problem(
        name="luhn",
        prompt="Write luhn(number): whether a string of digits passes the Luhn check.",
        signature="def luhn(number):",
        body="""    total = 0
    for index, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
""",
        checks="""
            luhn("79927398713") is True
            luhn("79927398710") is False
            luhn("4539578763621486") is True
        """,
    ),
    Problem(
        name="caesar",
        prompt="Write caesar(text, shift): shift ASCII letters, keep their case and everything else.",
        signature="def caesar(text, shift):",
        body="""    shifted = []
    for sign in text:
        if sign.isascii() and sign.isalpha():
            first = ord("a") if sign.islower() else ord("A")
            sign = chr((ord(sign) - first + shift) % 26 + first)
        shifted.append(sign)
    return "".join(shifted)
""",
        checks="""
            caesar("Hello, World!", 3) == "Khoor, Zruog!"
            caesar("abc", -1) == "zab"
            caesar("xyz", 29) == "abc"
        """,
    ),
    Problem(
        name="wrap",
        prompt="Write wrap(text, width): lines of whole words no longer than width, words separated by one space.",
        signature="def wrap(text, width):",
        body="""    lines = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines
""",
        checks="""
            wrap("the quick brown fox", 9) == ["the quick", "brown fox"]
            wrap("", 10) == []
            wrap("extraordinary day", 5) == ["extraordinary", "day"]
        """,
    ),
    Problem(
        name="topological",
        prompt="Write topological(edges): an order with a before b for each (a, b), else by name.",
        signature="def topological(edges):",
        body="""    waiting = {}
    for first, second in edges:
        waiting.setdefault(first, set())
        waiting.setdefault(second, set()).add(first)
    order = []
    while waiting:
        ready = sorted(name for name, needs in waiting.items() if not needs)
        if not ready:
            raise ValueError("the edges form a cycle")
        order.append(ready[0])
        del waiting[ready[0]]
        for needs in waiting.values():
            needs.discard(ready[0])
    return order
""",
        checks="""
            topological([("shirt", "tie"), ("tie", "jacket")]) == ["shirt", "tie", "jacket"]
            topological([("a", "c"), ("b", "c")]) == ["a", "b", "c"]
            topological([]) == []
        """,
    ),
    Problem(
        name="transpose",
        prompt="Write transpose(rows): the columns of a rectangular table as a list of lists.",
        signature="def transpose(rows):",
        body="    return [list(column) for column in zip(*rows)]\n",
        checks="""
            transpose([[1, 2], [3, 4], [5, 6]]) == [[1, 3, 5], [2, 4, 6]]
            transpose([]) == []
            transpose([["a", "b"]]) == [["a"], ["b"]]
        """,
    ),
    Problem(
        name="parse_query",
        prompt="Write parse_query(text): a dict of lists from 'a=1&b=2&a=3', percent-encoding and plus decoded.",
        imports="from urllib.parse import unquote_plus\n\n\n",
        signature="def parse_query(text):",
        body="""    found = {}
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            found.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return found
""",
        checks="""
            parse_query("a=1&b=2&a=3") == {"a": ["1", "3"], "b": ["2"]}
            parse_query("q=two+words%21") == {"q": ["two words!"]}
            parse_query("") == {}
        """,
    ),
    Problem(
        name="primes",
        prompt="Write primes(limit): every prime number below limit, in order.",
        signature="def primes(limit):",
        body="""    sieve = bytearray([1]) * max(limit, 2)
    sieve[0:2] = b"\\0\\0"
    for number in range(2, int(limit**0.5) + 1 if limit > 0 else 0):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(sieve[number * number :: number]))
    return [number for number in range(2, limit) if sieve[number]]
""",
        checks="""
            primes(20) == [2, 3, 5, 7, 11, 13, 17, 19]
            primes(2) == []
            len(primes(1000)) == 168
        """,
    ),
    Problem(
        name="group_by",
        prompt="Write group_by(items, key): a dict from key(item) to the list of its items, in their order.",
        signature="def group_by(items, key):",
        body="""    groups = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
""",
        checks="""
            group_by([1, 2, 3, 4], lambda n: n % 2) == {1: [1, 3], 0: [2, 4]}
            group_by(["pear", "fig"], len) == {4: ["pear"], 3: ["fig"]}
            group_by([], str) == {}
        """,
    ),
    Problem(
        name="compare_versions",
        prompt="Write compare_versions(a, b): -1, 0 or 1 for dotted numeric versions; missing parts count as 0.",
        signature="def compare_versions(a, b):",
        body="""    left = [int(part) for part in a.split(".")]
    right = [int(part) for part in b.split(".")]
    length = max(len(left), len(right))
    left += [0] * (length - len(left))
    right += [0] * (length - len(right))
    return (left > right) - (left < right)
""",
        checks="""
            compare_versions("1.10", "1.9") == 1
            compare_versions("2.0", "2") == 0
            compare_versions("0.9.1", "0.9.2") == -1
        """,
    ),
    Problem(
        name="rotate",
        prompt="Write rotate(items, steps): a list with the items moved right by steps, the last ones in front.",
        signature="def rotate(items, steps):",
        body="""    if not items:
        return []
    steps %= len(items)
    return list(items[-steps:]) + list(items[:-steps]) if steps else list(items)
""",
        checks="""
            rotate([1, 2, 3, 4], 1) == [4, 1, 2, 3]
            rotate([1, 2, 3], -1) == [2, 3, 1]
            rotate([], 3) == []
        """,
    ),
    Problem(
        name="word_counts",
        prompt="Write word_counts(text): a dict of lower-case words and how often each occurs, apostrophes kept.",
        imports="import re\n\n\n",
        signature="def word_counts(text):",
        body="""    counts = {}
    for word in re.findall(r"[a-z]+(?:'[a-z]+)*", text.lower()):
        counts[word] = counts.get(word, 0) + 1
    return counts
""",
        checks="""
            word_counts("The cat. The dog!") == {"the": 2, "cat": 1, "dog": 1}
            word_counts("don't stop, don't") == {"don't": 2, "stop": 1}
            word_counts("123") == {}
        """,
    ),
    Problem(
        name="deep_merge",
        prompt="Write deep_merge(base, over): a new dict, nested dicts merged, other values of over winning.",
        signature="def deep_merge(base, over):",
        body="""    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = deep_merge(merged[key], value)
        else:
            merged[key] = value
    return merged
""",
        checks="""
            deep_merge({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}) == {"a": {"x": 1, "y": 3}}
            deep_merge({"a": 1}, {"a": {"b": 2}}) == {"a": {"b": 2}}
            deep_merge({}, {}) == {}
        """,
    ),
    Problem(
        name="binary_search",
        prompt="Write binary_search(items, wanted): the index of the first equal item of a sorted list, or -1.",
        signature="def binary_search(items, wanted):",
        body="""    low, high = 0, len(items)
    while low < high:
        middle = (low + high) // 2
        if items[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(items) and items[low] == wanted else -1
""",
        checks="""
            binary_search([1, 3, 3, 5], 3) == 1
            binary_search([1, 2], 9) == -1
            binary_search([], 1) == -1
        """,
    ),
    Problem(
        name="human_size",
        prompt="Write human_size(count): bytes as '512 B', '1.5 KiB', '2.0 GiB' with one decimal above bytes.",
        signature="def human_size(count):",
        body="""    if count < 1024:
        return f"{count} B"
    size = float(count)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        size /= 1024
        if size < 1024 or unit == "TiB":
            return f"{size:.1f} {unit}"
""",
        checks="""
            human_size(512) == "512 B"
            human_size(1536) == "1.5 KiB"
            human_size(2 * 1024**3) == "2.0 GiB"
        """,
    ),
    Problem(
        name="spiral",
        prompt="Write spiral(rows): the values of a rectangular matrix clockwise from the top left corner inward.",
        signature="def spiral(rows):",
        body="""    rows = [list(row) for row in rows]
    seen = []
    while rows:
        seen += rows.pop(0)
        rows = [list(column) for column in zip(*rows)][::-1]
    return seen
""",
        checks="""
            spiral([[1, 2, 3], [4, 5, 6], [7, 8, 9]]) == [1, 2, 3, 6, 9, 8, 7, 4, 5]
            spiral([[1, 2], [3, 4]]) == [1, 2, 4, 3]
            spiral([]) == []
        """,
    ),
)
