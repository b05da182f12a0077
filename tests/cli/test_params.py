from __future__ import annotations

import pytest

from stepdig.commands._params import attempt_params, is_pair
from stepdig.problem import ProblemsFound


def test_values_are_texts_and_dots_nest():
    assert attempt_params([], ["n=3", "mysql.host=db", "mysql.port=3306", "empty=", "eq=a=b"]) == {
        "n": "3",
        "mysql": {"host": "db", "port": "3306"},
        "empty": "",
        "eq": "a=b",
    }


def test_the_later_of_equal_names_wins():
    assert attempt_params([], ["a=1", "a=2"]) == {"a": "2"}
    assert attempt_params([], ["a.b=1", "a=2"]) == {"a": "2"}
    assert attempt_params([], ["a=1", "a.b=2"]) == {"a": {"b": "2"}}


def test_files_keep_types_and_lie_under_pairs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.yml").write_text("n: 3\nflag: yes\nhalf: 0.5\nmysql: {host: db, ports: [1, 2]}\n")
    (tmp_path / "two.json").write_text('{"mysql": {"ports": [3]}, "none": null}')
    assert attempt_params(["one.yml", "two.json"], ["mysql.host=other", "n=4"]) == {
        "n": "4",
        "flag": "yes",  # Digdag's YAML: only true and false are booleans, 0.5 is a text
        "half": "0.5",
        "mysql": {"host": "other", "ports": [3]},
        "none": None,
    }


@pytest.mark.parametrize(
    ("content", "code"), [(None, "SD002"), ("a: [1", "SD1"), ("- 1\n", "SD1"), (b"\xff\xfe\x00a", "SD1"), ("", "SD1")]
)
def test_a_file_that_holds_no_parameters_is_a_problem(tmp_path, monkeypatch, content, code):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "p.yml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ProblemsFound) as caught:
        attempt_params(["p.yml"], [])
    assert all(problem.at.path == "p.yml" for problem in caught.value.problems)
    assert caught.value.problems[0].code.startswith(code)


@pytest.mark.parametrize(
    ("text", "good"), [("a=b", True), ("a.b=", True), ("a", False), ("=b", False), ("a..b=c", False)]
)
def test_a_pair_has_a_name_and_an_equals_sign(text, good):
    assert is_pair(text) is good
