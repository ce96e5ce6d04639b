import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from sensorkit import detect
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings

PROFILE = Profile.load("serial_monitor")
CHANNELS = ("temperature", "voltage")


def readings(n=300, seed=1):
    values = np.random.default_rng(seed).normal([25, 5], [0.2, 0.02], (n, 2))
    return Readings.build(np.arange(n) * 10**9, values, CHANNELS)


@pytest.fixture
def saved(tmp_path):
    detector = detect.make("forest", profile=PROFILE, trees=5).fit(readings())
    return detect.save(detector.calibrate(readings(seed=2)), tmp_path / "forest.detector")


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, changed):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in changed.items():
            archive.writestr(name, data)


def npy(array, **options):
    data = io.BytesIO()
    np.save(data, array, **options)
    return data.getvalue()


def test_a_file_is_an_npz_without_pickle_and_readable_json(saved):
    with np.load(saved, allow_pickle=False) as file:
        names = set(file.files)
        assert {"left", "right", "split", "threshold"} <= names
        described = json.loads(file["detector.json"])
    assert described["version"] == 2
    assert described["detector"]["name"] == "forest"
    assert described["detector"]["channels"] == list(CHANNELS)


def test_the_same_detector_makes_the_same_bytes(saved, tmp_path):
    again = detect.save(detect.load(saved), tmp_path / "again")
    assert again.read_bytes() == saved.read_bytes()


def test_profile_and_calibration_come_along(saved):
    loaded = detect.load(saved)
    assert loaded.profile == PROFILE
    assert loaded.calibration_.clean_hours == pytest.approx(299 / 3600)


def test_the_stream_stays_behind(tmp_path):
    detector = detect.make("sigma").fit(readings())
    fresh = detector.score(readings(seed=3))
    path = detect.save(detector, tmp_path / "sigma")
    assert detect.load(path).score(readings(seed=3)).tolist() == fresh.tolist()


def test_an_infinite_threshold_survives(tmp_path):
    detector = detect.make("sigma")
    jump = Readings.build(np.arange(100) * 10**9, np.eye(100)[:, 50:51], ["x"])
    detector.calibrate(jump)
    assert detector.threshold_ == np.inf
    assert detect.load(detect.save(detector, tmp_path / "sigma")).threshold_ == np.inf


def test_a_sigma_that_was_never_fitted_can_be_saved(tmp_path):
    loaded = detect.load(detect.save(detect.make("sigma", k=4), tmp_path / "sigma"))
    assert loaded.threshold_ == 4.0
    assert loaded.floor is None


def test_saving_replaces_the_file_and_leaves_nothing_beside_it(saved, tmp_path):
    detect.save(detect.make("never"), saved)
    assert detect.load(saved).name == "never"
    assert [path.name for path in tmp_path.iterdir()] == [saved.name]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        detect.save(detect.make("never"), tmp_path / "nowhere" / "model")


def test_what_is_not_fitted_or_not_ours_is_not_saved(tmp_path):
    class Mine:
        name = "mine"

    with pytest.raises(DetectorError, match="forest has learned nothing yet"):
        detect.save(detect.make("forest"), tmp_path / "model")
    with pytest.raises(DetectorError, match="Mine cannot be saved; a subclass of"):
        detect.save(Mine(), tmp_path / "model")

    class Better(type(detect.make("sigma"))):
        pass

    with pytest.raises(DetectorError, match="the name 'sigma' is registered for Sigma"):
        detect.save(Better(), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04garbage", b"\x80\x04K\x01."])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "model"
    path.write_bytes(content)
    with pytest.raises(DetectorError, match="model: is no detector that sensorkit has saved"):
        detect.load(path)


def test_a_file_cut_off_anywhere_is_refused(saved):
    whole = saved.read_bytes()
    for length in np.linspace(0, len(whole) - 1, 40).astype(int):
        saved.write_bytes(whole[:length])
        with pytest.raises(DetectorError, match="is no detector"):
            detect.load(saved)


def test_a_flipped_bit_is_refused_or_harmless(saved):
    whole, scores = saved.read_bytes(), detect.load(saved).score(readings(seed=4)).tolist()
    rng = np.random.default_rng(5)
    for at in rng.integers(0, len(whole), 150):
        saved.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << rng.integers(8)]) + whole[at + 1 :])
        try:
            loaded = detect.load(saved)
        except DetectorError:
            continue
        assert loaded.score(readings(seed=4)).tolist() == scores


def described(**changed):
    def change(contents):
        fields = json.loads(contents["detector.json"]) | changed
        return {**contents, "detector.json": json.dumps(fields).encode()}

    return change


def detector(**changed):
    def change(contents):
        fields = json.loads(contents["detector.json"])
        fields["detector"] |= changed
        return {**contents, "detector.json": json.dumps(fields).encode()}

    return change


def arrays(**changed):
    return lambda contents: {
        **contents,
        **{f"{name}.npy": npy(array) for name, array in changed.items()},
    }


def without(name):
    return lambda contents: {key: data for key, data in contents.items() if key != name}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (described(version=1), r"is of version 1; this sensorkit reads version 2"),
        (described(version="1"), r"is of version '1'"),
        (described(format="other"), "its format is not 'sensorkit.detector'"),
        (described(surprise=1), "surprise: Extra inputs are not permitted"),
        (detector(params=[]), "params"),
        (detector(params={"trees": 5}), "it has the parameters trees, where 'forest' has"),
        (detector(name="forrest"), "unknown detector 'forrest'; .* did you mean 'forest'"),
        (detector(name="sigma"), "it has the parameters"),
        (detector(channels=None), "it is not fitted"),
        (detector(channels=["temperature"]), "do not fit the channels"),
        (described(profile={"name": "x"}), "its profile"),
        (detector(calibration={"alarms": 1}), "missing"),
        (detector(members=[{}]), "Field required"),
        (detector(members=None), "members"),
        (without("detector.json"), "does not hold one detector.json"),
        (without("left.npy"), "left is missing"),
        (arrays(surprise=np.zeros(3)), "it knows no surprise"),
        (arrays(left=np.zeros(3)), "left is float64"),
        (arrays(left=np.zeros(3, dtype=np.int32)), "left has 3 nodes"),
        (arrays(threshold=np.array([np.nan])), "the threshold is not a number"),
        (lambda c: {**c, "left.npy": pickle.dumps([1])}, "is no detector"),
        (lambda c: {**c, "evil.py": b"import os"}, "it holds 'evil.py', which is no array"),
        (
            lambda c: {**c, "left.npy": npy(np.array([{}]), allow_pickle=True)},
            "an array is not as sensorkit writes it",
        ),
        (
            lambda c: {**c, "left.npy": npy(np.zeros(3)).replace(b"(3,), }", b"(9**9,)"[:7])},
            "is no detector",
        ),
        (
            lambda c: {**c, "left.npy": npy(np.zeros(300)).replace(b"(300,)", b"(999,)")},
            "does not hold what its header says",
        ),
    ],
)
def test_unexpected_content_is_refused(saved, change, message):
    rewrite(saved, change(members(saved)))
    with pytest.raises(DetectorError, match=message) as refused:
        detect.load(saved)
    assert str(refused.value).startswith(f"{saved}: ")


def test_a_file_that_unpacks_to_a_flood_is_refused(saved):
    contents = members(saved)
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
        with archive.open("zeros.npy", "w", force_zip64=True) as flood:
            for _ in range(300):
                flood.write(bytes(1 << 20))
    with pytest.raises(DetectorError, match="it unpacks to more than 256 MB"):
        detect.load(saved)


def test_another_compression_is_refused(saved):
    contents = members(saved)
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_BZIP2) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    with pytest.raises(DetectorError, match="compressed in another way"):
        detect.load(saved)


def test_a_threshold_cannot_be_smuggled_into_a_fixed_detector(tmp_path):
    path = detect.save(detect.make("rules", profile=PROFILE), tmp_path / "rules")
    rewrite(path, arrays(threshold=np.array([1e9]))(members(path)))
    with pytest.raises(DetectorError, match="the threshold of 'rules' cannot be"):
        detect.load(path)


def guard(tmp_path):
    made = detect.make("guard", profile=PROFILE).fit(readings(2_000))
    return detect.save(made.calibrate(readings(2_000, seed=2)), tmp_path / "guard.detector")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (arrays(unit=np.zeros(2)), "unit is float64 of shape"),
        (arrays(unit=np.array([1.0, np.inf, 1.0])), "unit is not finite"),
        (without("1.floor.npy"), "floor is missing"),
        (detector(channels=["voltage", "temperature"]), "a member has other channels"),
        (detector(channels=["voltage", "voltage"]), "a channel comes twice"),
        (arrays(body0=np.array([2.0, 1.0])), "contradict each other"),
        (without("tail1.npy"), "tail1"),
        (arrays(**{"1.surprise": np.zeros(2)}), "it knows no surprise"),
        (arrays(**{"9.floor": np.zeros(2)}), r"it knows no 9\.floor"),
        (arrays(**{"2.threshold": np.array([np.nan])}), "threshold is not a number"),
    ],
)
def test_what_is_wrong_in_a_member_is_refused(tmp_path, change, message):
    saved = guard(tmp_path)
    rewrite(saved, change(members(saved)))
    with pytest.raises(DetectorError, match=message):
        detect.load(saved)


def test_a_member_that_is_not_what_the_parameters_say_is_refused(tmp_path):
    saved = guard(tmp_path)
    contents = members(saved)
    fields = json.loads(contents["detector.json"])
    fields["detector"]["members"][1]["params"]["window"] = 7
    contents["detector.json"] = json.dumps(fields).encode()
    rewrite(saved, contents)
    with pytest.raises(DetectorError, match="'sigma' is not as its parameters say"):
        detect.load(saved)


def test_a_calibration_that_cannot_be_is_refused(saved):
    contents = members(saved)
    fields = json.loads(contents["detector.json"])
    fields["detector"]["calibration"]["alarms"] = -1
    contents["detector.json"] = json.dumps(fields).encode()
    rewrite(saved, contents)
    with pytest.raises(DetectorError, match="calibration: -1 alarms"):
        detect.load(saved)
