from collector.processing.remembering import LONGEST, remembering


def test_the_function_is_asked_once_for_a_text():
    asked = []
    call = remembering(lambda text: asked.append(text) or text.upper(), 2)
    assert ["A", "A", "B"] == [call(text) for text in "aab"]
    assert ["a", "b"] == asked


def test_long_texts_are_not_kept():
    asked = []
    call = remembering(lambda text: asked.append(len(text)) or text, 2)
    for size in (LONGEST, LONGEST, LONGEST + 1, LONGEST + 1):
        assert size == len(call("a" * size))
    assert [LONGEST, LONGEST + 1, LONGEST + 1] == asked
