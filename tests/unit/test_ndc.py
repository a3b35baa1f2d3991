"""National Drug Codes in all their forms."""

import pytest
from claimtwin.codes.ndc import readings, resolve
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("1234-5678-90", {"01234567890"}),
        ("12345-678-90", {"12345067890"}),
        ("12345-6789-0", {"12345678900"}),
        ("12345-6789-01", {"12345678901"}),
        (" 12345678901 ", {"12345678901"}),
        ("012345678901", {"12345678901"}),
        ("012345-6789-01", {"12345678901"}),
        ("123456-7890-12", {"123456789012"}),
        ("1234567890", {"01234567890", "12345067890", "12345678900"}),
        ("0000000000", {"00000000000"}),
        ("123-4567-890", set()),
        ("12345-6789-0a", set()),
        ("123456789", set()),
        ("1234567890123", set()),
        ("", set()),
    ],
)
def test_each_form_has_its_readings(text, codes):
    assert set(readings(text)) == codes


@given(st.text("0123456789", min_size=10, max_size=10))
def test_the_true_code_is_among_the_readings_of_its_bare_digits(digits):
    for first, second in ((4, 4), (5, 3), (5, 4)):
        hyphenated = f"{digits[:first]}-{digits[first : first + second]}-{digits[first + second :]}"
        assert set(readings(hyphenated)) <= set(readings(digits))


def test_only_a_single_hit_is_taken():
    known = {"01234567890", "99999067890", "99999678900"}
    found = resolve(["1234567890", "1234567890", "9999967890", "5555555555", "12345678901"], known)
    assert found.codes == {"1234567890": "01234567890"}
    assert (found.ambiguous, found.unknown) == (("9999967890",), ("5555555555",))
