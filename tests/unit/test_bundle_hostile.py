"""Bundles that somebody made to do harm, or damaged: each is refused by name, and nothing is written."""

import stat
import struct
import zipfile

import pytest

from goldpan.bundle.archive import MOST_FILES, UNPACKED_ANYWAY, UNPACKED_TIMES, opened
from goldpan.bundle.replay import replay
from goldpan.bundle.unpack import unpack
from goldpan.errors import BundleError, GoldpanError
from tests.bundles import bundled, members_of, with_manifest, with_member, write_members
from tests.projects import note_rows
from tests.stage_builders import answer_all, make_stage


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A bundle of a small study."""
    folder = tmp_path_factory.mktemp("sound")
    run = make_stage(folder / "project", note_rows(6))
    answer_all(run)
    return bundled(run, folder / "notes.zip").path


@pytest.fixture
def members(sound):
    return members_of(sound)


def refused(path, folder):
    """What is said of a bundle that is refused; nothing was written."""
    with pytest.raises(GoldpanError) as raised, opened(path) as archive:
        unpack(archive, folder)
    assert not folder.exists() or not [found for found in folder.rglob("*") if found.is_file()]
    return str(raised.value)


def test_a_sound_bundle_is_unpacked(sound, tmp_path):
    with opened(sound) as archive:
        unpack(archive, tmp_path / "into")
    for name, content in members_of(sound).items():
        assert (tmp_path / "into" / name).read_bytes() == content


@pytest.mark.parametrize(
    "name",
    [
        *("../outside.txt", "project/../../outside.txt", "/etc/outside.txt", "C:/outside.txt"),
        *("project\\..\\outside.txt", "project//outside.txt", "project/./outside.txt", "project/a\nb"),
    ],
)
def test_a_name_that_leads_out_is_refused(members, tmp_path, name):
    path = write_members(tmp_path / "b.zip", with_member(members, name, b"x"))
    assert "it holds a file called" in refused(path, tmp_path / "deep" / "into")
    assert not (tmp_path / "outside.txt").exists() and not (tmp_path / "deep" / "outside.txt").exists()


@pytest.mark.parametrize(
    "name",
    [
        *("project/.env", "project/.git/hooks/post-checkout", "project/.goldpan/ledger.sqlite"),
        *("project/Snakefile", "project/workflow/Snakefile", "project/profiles/default/config.yaml"),
        *("project/rules/x.smk", "project/results/notes/stages/topics/features.jsonl"),
    ],
)
def test_a_file_that_programs_read_unasked_is_refused(members, tmp_path, name):
    path = write_members(tmp_path / "b.zip", with_member(members, name, b"x"))
    assert name in refused(path, tmp_path / "into")


def test_a_link_is_refused(members, tmp_path):
    path = tmp_path / "b.zip"
    forged = with_member(members, "project/data", b"/etc")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in forged.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFLNK | 0o777 if name == "project/data" else 0o100644) << 16
            archive.writestr(entry, content)
    assert "'project/data' is no file but a link" in refused(path, tmp_path / "into")


def test_two_files_of_one_name_are_refused(members, tmp_path):
    path = tmp_path / "b.zip"
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "w") as archive:
        for name, content in [*members.items(), ("project/notes/a.jsonl", b"other")]:
            archive.writestr(name, content)
    assert "two files are called `project/notes/a.jsonl`" in refused(path, tmp_path / "into")


def test_names_that_differ_in_case_only_are_refused(members, tmp_path):
    path = write_members(tmp_path / "b.zip", with_member(members, "project/notes/A.jsonl", b"{}"))
    assert "two files are called `project/notes/a.jsonl`" in refused(path, tmp_path / "into")


def test_a_name_that_is_a_file_and_a_folder_is_refused(members, tmp_path):
    path = write_members(tmp_path / "b.zip", with_member(members, "project/notes", b"x"))
    assert "`project/notes` is a file and a folder" in refused(path, tmp_path / "into")


def test_what_unpacks_to_far_more_than_its_size_is_refused(members, tmp_path):
    zeros = b"\0" * (UNPACKED_ANYWAY + 1)
    path = write_members(tmp_path / "b.zip", with_member(members, "project/big.txt", zeros))
    assert path.stat().st_size * UNPACKED_TIMES < len(zeros)
    assert "it unpacks to" in refused(path, tmp_path / "into")


def test_a_file_that_is_longer_than_its_entry_says_is_refused(members, tmp_path):
    """A bomb that lies about its size: the entry says what the manifest says, and more comes out of it."""
    name, long = "project/bomb.txt", b"\0" * (8 << 20)
    forged = with_member(members, name, long)
    path = write_members(tmp_path / "b.zip", forged)
    forged = with_manifest(
        forged,
        lambda manifest: [file.update(bytes=5) for file in manifest["files"] if file["path"] == name],
    )
    path = write_members(tmp_path / "b.zip", forged)
    content = path.read_bytes()
    content = content.replace(struct.pack("<I", len(long)), struct.pack("<I", 5))
    path.write_bytes(content)
    with pytest.raises(GoldpanError) as raised, opened(path) as archive:
        unpack(archive, tmp_path / "into")
    assert name in str(raised.value)
    assert not (tmp_path / "into" / name).exists()


def archive_of_a_list(count, claimed=None):
    """An archive that is nothing but a list of so many files with one name."""
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", *[20] * 2, *[0] * 4, *[0] * 3, 1, *[0] * 4, 0, 0) + b"a"
    listed = entry * count
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, claimed or len(listed), 0, 0)
    return listed + end


def test_more_files_than_a_bundle_has_are_refused(tmp_path):
    (tmp_path / "b.zip").write_bytes(archive_of_a_list(MOST_FILES + 1))
    assert f"it holds {MOST_FILES + 1:,} files" in refused(tmp_path / "b.zip", tmp_path / "into")


def test_a_list_of_files_that_is_too_long_is_refused_before_it_is_read(tmp_path):
    (tmp_path / "b.zip").write_bytes(archive_of_a_list(1, claimed=1 << 30))
    assert f"its list of files has {1 << 30:,} bytes" in refused(tmp_path / "b.zip", tmp_path / "into")


def test_a_file_that_the_manifest_does_not_list_is_refused(members, tmp_path):
    path = write_members(tmp_path / "b.zip", {**members, "project/extra.txt": b"x"})
    assert "does not list: project/extra.txt" in refused(path, tmp_path / "into")


def test_a_file_that_is_lacking_is_named(members, tmp_path):
    del members["project/notes/a.jsonl"]
    path = write_members(tmp_path / "b.zip", members)
    assert "lacks files that its manifest.json lists: project/notes/a.jsonl" in refused(
        path, tmp_path / "into"
    )


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("ledger.jsonl.zst", "the ledger ledger.jsonl.zst"),
        ("project/config/tasks/topic.user.j2", "the task or prompt project/config/tasks/topic.user.j2"),
        ("project/notes/a.jsonl", "the source project/notes/a.jsonl"),
    ],
)
def test_a_file_that_was_changed_is_named(members, tmp_path, name, called):
    content = bytearray(members[name])
    content[-3] ^= 1
    path = write_members(tmp_path / "b.zip", {**members, name: bytes(content)})
    with pytest.raises(BundleError) as raised, opened(path) as archive:
        unpack(archive, tmp_path / "into")
    assert f"{called} is not the one that was bundled" in str(raised.value)
    assert not (tmp_path / "into" / name).exists()


def test_a_later_format_is_refused_by_name(members, tmp_path):
    changed = with_manifest(members, lambda manifest: manifest.update(format="goldpan-bundle/2"))
    said = refused(write_members(tmp_path / "b.zip", changed), tmp_path / "into")
    assert "has the format 'goldpan-bundle/2', and this goldpan reads goldpan-bundle/1" in said


def test_a_value_of_the_manifest_that_has_not_its_form_is_named(members, tmp_path):
    changed = with_manifest(members, lambda manifest: manifest["files"][0].update(sha256="0" * 63))
    said = refused(write_members(tmp_path / "b.zip", changed), tmp_path / "into")
    assert "files.0.sha256" in said


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + b"\0" * 10])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "b.zip").write_bytes(content)
    assert "no ZIP archive" in refused(tmp_path / "b.zip", tmp_path / "into")


def test_an_archive_without_a_manifest_is_no_bundle(tmp_path):
    path = write_members(tmp_path / "b.zip", {"README.md": b"hello"})
    assert "this is no bundle: it has no manifest.json" in refused(path, tmp_path / "into")


def test_an_archive_that_is_cut_short_is_refused(sound, tmp_path):
    (tmp_path / "b.zip").write_bytes(sound.read_bytes()[:-100])
    refused(tmp_path / "b.zip", tmp_path / "into")


def test_a_damaged_member_is_named(sound, tmp_path):
    content = bytearray(sound.read_bytes())
    with zipfile.ZipFile(sound) as archive:
        entry = archive.getinfo("project/notes/a.jsonl")
    at = entry.header_offset + 30 + len(entry.filename)
    content[at : at + 40] = b"\xff" * 40
    (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(BundleError, match=r"project/notes/a\.jsonl"), opened(tmp_path / "b.zip") as archive:
        unpack(archive, tmp_path / "into")


def test_nothing_is_written_through_a_link_in_the_folder(sound, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    with opened(sound) as archive:
        unpack(archive, tmp_path / "into")
    notes = tmp_path / "into" / "project" / "notes"
    (notes / "a.jsonl").unlink()
    notes.rmdir()
    notes.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="there is a link here"), opened(sound) as archive:
        unpack(archive, tmp_path / "into")
    assert not any((tmp_path / "elsewhere").iterdir())


def test_a_folder_with_other_files_is_left_alone(sound, tmp_path):
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "mine.txt").write_text("mine")
    with pytest.raises(BundleError, match="there are other files in this folder"), opened(sound) as archive:
        unpack(archive, tmp_path / "into")
    assert [path.name for path in (tmp_path / "into").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("settings", ["results: /tmp/elsewhere", "ledger: ../mine.sqlite", "replay: false"])
def test_settings_that_lead_out_or_ask_somebody_are_refused(members, tmp_path, settings):
    text = f"study: notes\nreplay: true\n{settings}\n".encode()
    text = text.replace(b"replay: true\nreplay: false", b"replay: false")
    forged = with_member(members, "project/config/config.yaml", text, "settings")
    path = write_members(tmp_path / "b.zip", forged)
    with pytest.raises(BundleError, match="its settings are not those of a bundle"):
        replay(path, tmp_path / "into")


def test_a_study_that_writes_elsewhere_is_refused(members, tmp_path):
    name = "project/config/studies/notes.yaml"
    wave = b"waves: {w: {stage: topics, sample: 2, annotators: [ann], annotations: ../../mine}}\n"
    forged = with_member(members, name, members[name] + wave, "study")
    path = write_members(tmp_path / "b.zip", forged)
    with pytest.raises(BundleError, match=r"`\.\./\.\./mine` leads out of the project") as raised:
        replay(path, tmp_path / "into")
    assert "do not trust this bundle" in str(raised.value) and "ln -s" not in str(raised.value)


def test_a_study_that_this_goldpan_does_not_read_is_no_fault_of_who_replays_it(members, tmp_path):
    name = "project/config/studies/notes.yaml"
    forged = with_member(members, name, members[name] + b"key_of_a_later_goldpan: 1\n", "study")
    path = write_members(tmp_path / "b.zip", forged)
    with pytest.raises(BundleError, match="does not read the study of this bundle") as raised:
        replay(path, tmp_path / "into")
    said = str(raised.value)
    assert "key_of_a_later_goldpan: no such key" in said and "goldpan validate" not in said


def test_code_that_came_with_a_bundle_does_not_run_unasked(members, tmp_path):
    code = f"open({str(tmp_path / 'ran')!r}, 'w')\n".encode()
    task = b"task: topic\ndescription: Harm.\nmodel: evil.py:Model\nprompt: {user: topic.user.j2}\n"
    forged = with_member(members, "project/config/tasks/evil.py", code, "task")
    forged = with_member(forged, "project/config/tasks/topic.yaml", task, "task")
    path = write_members(tmp_path / "b.zip", forged)
    with pytest.raises(BundleError, match="it would run code that came with it"):
        replay(path, tmp_path / "into")
    assert not (tmp_path / "ran").exists()


def test_files_that_the_study_would_read_beside_its_own_are_named(sound, tmp_path):
    with opened(sound) as archive:
        unpack(archive, tmp_path / "into")
    (tmp_path / "into" / "project" / "notes" / "b.jsonl").write_text('{"id": "x", "text": "more"}\n')
    with pytest.raises(BundleError, match=r"not of this bundle: project/notes/b\.jsonl"):
        replay(sound, tmp_path / "into")


def test_code_of_a_model_does_not_run_unasked(members, tmp_path):
    name = "project/config/studies/notes.yaml"
    embedding = b"embeddings: {e: {source: notes, model: some/model, text: text, trust_remote_code: true}}\n"
    forged = with_member(members, name, members[name] + embedding, "study")
    path = write_members(tmp_path / "b.zip", forged)
    with pytest.raises(BundleError, match="with your rights: the code of the model some/model"):
        replay(path, tmp_path / "into")
