"""The table of the profile's ranges is one that a reader can rely on: known types, low up to high, small ints."""

from pump.storage.profile_table import BELOW, MAX_OCCLUSION_PA, MAX_SMALL_INT, OPTIONAL_SECTIONS, SECTIONS

KEYS = [(section, key, entry) for section, keys in SECTIONS.items() for key, entry in keys.items()]
LENGTHS = {"int": 3, "flag": 1, "ratio": 5}


def test_every_key_has_a_known_type_with_its_ranges():
    for section, key, (kind, *limits) in KEYS:
        if kind == "choice":
            assert all(isinstance(word, str) for word in limits)
            continue
        assert len(limits) + 1 == LENGTHS[kind], f"{section}.{key}"
        for low, high in zip(limits[::2], limits[1::2], strict=True):
            assert 0 <= low < high <= MAX_SMALL_INT, f"{section}.{key}"


def test_what_must_be_below_is_a_whole_number_of_the_table():
    for section, smaller, larger in BELOW:
        assert SECTIONS[section][smaller][0] == SECTIONS[section][larger][0] == "int"
    assert set(OPTIONAL_SECTIONS) <= set(SECTIONS)


def test_the_highest_occlusion_limit_is_below_20_psi():
    pa_per_psi = 6894.757  # NIST SP 811, B.8
    assert MAX_OCCLUSION_PA < 20 * pa_per_psi < MAX_OCCLUSION_PA + 2
