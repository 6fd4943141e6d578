"""`madoguchi understand` on a shell: sentences by standard input; one given as an argument is shown the way."""

from click.testing import CliRunner

from bot.__main__ import main


def test_a_sentence_as_an_argument_is_told_how_it_comes_in() -> None:
    done = CliRunner().invoke(main, ["understand", "予約を確認したい"])
    assert done.exit_code == 2
    assert "標準入力" in done.output and "echo '予約を確認したい' | madoguchi understand" in done.output
