"""Which provider a study's settings lead to, whose key it takes, and what is missing."""

import subprocess
import sys
from pathlib import Path

import pytest

from goldpan.errors import ProviderError, ReplayMissError
from goldpan.providers.base import BatchProvider, Surroundings
from goldpan.providers.connect import PROVIDERS, connect
from goldpan.providers.keys import Keys
from goldpan.providers.model_facts import CHAT_URL
from goldpan.providers.replay import ReplayProvider
from goldpan.study.provider import PROVIDER_MODELS, Provider
from tests.provider_settings import provider_settings
from tests.scripted_service import answer, batch_object, scripted_service

VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_API_KEY", "AZURE_API_BASE", "MY_KEY")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def connected(settings: Provider, folder: Path, keys: Keys | None = None) -> BatchProvider:
    """The provider of a study in `folder`."""
    return connect(settings, Surroundings(folder, folder, keys or Keys(None)))


def authorization(settings: dict, keys: Keys | None = None) -> str:
    """The Authorization header a provider sends to a server at the settings' base URL."""
    with scripted_service() as service:
        service.on("GET", "/batches/b", answer(batch_object()))
        provider = provider_settings(**{"base_url": service.base_url} | settings)
        connected(provider, Path("unused"), keys).retrieve("b")
        return service.requests[0].headers["authorization"]


def test_every_kind_that_a_study_may_name_has_its_provider():
    assert list(PROVIDERS) == list(PROVIDER_MODELS)


@pytest.mark.parametrize("kind", ["local", "replay"])
def test_local_and_replay_need_no_key(kind, tmp_path):
    assert connected(provider_settings(kind=kind), tmp_path / "engine").kind == kind


@pytest.mark.parametrize("kind", ["openai", "litellm"])
def test_a_missing_key_is_named_with_what_to_do(kind, tmp_path):
    with pytest.raises(ProviderError) as caught:
        connected(provider_settings(kind=kind), tmp_path)
    assert "OPENAI_API_KEY" in caught.value.what and "export OPENAI_API_KEY=" in str(caught.value)


@pytest.mark.parametrize("kind", ["openai", "litellm"])
def test_the_key_comes_from_the_variable_the_study_names(kind, monkeypatch):
    monkeypatch.setenv("MY_KEY", " sk-mine\n")
    assert authorization({"kind": kind, "api_key_env": "MY_KEY"}) == "Bearer sk-mine"


@pytest.mark.parametrize("kind", ["openai", "litellm"])
def test_the_key_comes_from_dotenv_in_the_projects_folder(kind, tmp_path):
    (tmp_path / ".env").write_text("MY_KEY=sk-of-the-file\n")
    assert authorization({"kind": kind, "api_key_env": "MY_KEY"}, Keys(tmp_path)) == "Bearer sk-of-the-file"


@pytest.mark.parametrize("kind", ["openai", "litellm"])
def test_the_keys_of_the_studys_other_providers_are_taken_out_too(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-of-another")
    monkeypatch.setenv("AZURE_API_KEY", "azure-secret")
    other = provider_settings(kind="openai", base_url="http://127.0.0.1:9/v1", api_key_env="MY_KEY")
    with scripted_service() as service:
        address = service.base_url.replace("://", "://user:pass%2Fword@")
        said = "sk-of-another, azure-secret, pass%2Fword, pass/word"
        service.on("GET", "/batches/b", answer(batch_object(metadata={"echo": said})))
        settings = provider_settings(kind=kind, base_url=address)
        provider = connect(settings, Surroundings(tmp_path, tmp_path, Keys(tmp_path), (other,)))
        assert provider.retrieve("b").metadata == {"echo": "[key], [key], [key], [key]"}


@pytest.mark.parametrize(
    "settings", [{"kind": "openai"}, {"kind": "litellm", "custom_llm_provider": "openai"}]
)
@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "AZURE_API_BASE"])
def test_the_password_of_an_address_of_the_environment_is_taken_out(settings, variable, tmp_path):
    with scripted_service() as service:
        address = service.base_url.replace("://", "://user:pass%2Fword@")
        service.on("GET", "/batches/b", answer(batch_object(metadata={"echo": "pass%2Fword, pass/word"})))
        environment = {"OPENAI_API_KEY": "sk-mine", "OPENAI_BASE_URL": service.base_url, variable: address}
        provider = connected(provider_settings(**settings), tmp_path, Keys(tmp_path, environment))
        assert provider.retrieve("b").metadata == {"echo": "[key], [key]"}


@pytest.mark.parametrize("kind", ["openai", "litellm"])
def test_a_named_variable_must_be_set_also_for_another_address(kind, tmp_path):
    provider = provider_settings(kind=kind, base_url="http://127.0.0.1:9/v1", api_key_env="MY_KEY")
    with pytest.raises(ProviderError, match="MY_KEY"):
        connected(provider, tmp_path)


@pytest.mark.parametrize("kind", ["openai", "litellm"])
def test_the_key_of_openai_is_not_sent_to_another_address(kind, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    assert authorization({"kind": kind}) == "Bearer unused"


@pytest.mark.parametrize("kind", ["openai", "litellm"])
def test_the_key_of_openai_goes_to_the_address_of_the_environment(kind, monkeypatch, tmp_path):
    with scripted_service() as service:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
        monkeypatch.setenv("OPENAI_BASE_URL", service.base_url)
        service.on("GET", "/batches/b", answer(batch_object()))
        connected(provider_settings(kind=kind), tmp_path).retrieve("b")
        assert service.requests[0].headers["authorization"] == "Bearer sk-openai"


@pytest.mark.parametrize("url", ["https://api.openai.com/v1", "https://eu.api.openai.com/v1"])
def test_the_official_address_may_be_written_out(url, tmp_path):
    with pytest.raises(ProviderError, match="OPENAI_API_KEY"):
        connected(provider_settings(kind="openai", base_url=url), tmp_path)


def test_a_key_with_a_line_break_is_refused_without_being_shown(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one\nsk-two")
    with pytest.raises(ProviderError) as caught:
        connected(provider_settings(kind="openai"), tmp_path)
    assert "OPENAI_API_KEY" in str(caught.value) and "sk-" not in str(caught.value)


def test_azure_needs_its_address_and_its_key(monkeypatch, tmp_path):
    provider = provider_settings(kind="litellm", custom_llm_provider="azure")
    with pytest.raises(ProviderError, match="AZURE_API_BASE"):
        connected(provider, tmp_path)
    monkeypatch.setenv("AZURE_API_BASE", "https://lab.openai.azure.com")
    with pytest.raises(ProviderError, match="AZURE_API_KEY"):
        connected(provider, tmp_path)


def test_hosted_vllm_without_an_address_is_refused(tmp_path):
    with pytest.raises(ProviderError, match="base_url"):
        connected(provider_settings(kind="litellm", custom_llm_provider="hosted_vllm"), tmp_path)


def test_connecting_imports_no_sdk_yet():
    code = (
        "import sys; from pathlib import Path\n"
        "from goldpan.providers.base import Surroundings\n"
        "from goldpan.providers.connect import connect; from goldpan.study.provider import PROVIDER_MODELS\n"
        "for kind in ('openai', 'litellm'):\n"
        "    settings = PROVIDER_MODELS[kind](kind=kind, base_url='http://127.0.0.1:9/v1')\n"
        "    connect(settings, Surroundings(Path('x'), Path('x')))\n"
        "print(sorted({'litellm', 'openai', 'httpx'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize(
    "call",
    [
        lambda provider: provider.upload(Path("r.jsonl"), "r.jsonl"),
        lambda provider: provider.find_upload("r.jsonl", 1),
        lambda provider: provider.create("file-1", CHAT_URL, {}),
        lambda provider: provider.retrieve("batch_1"),
        lambda provider: provider.batches(),
        lambda provider: provider.cancel("batch_1"),
        lambda provider: provider.download("file-1", Path("out")),
    ],
)
def test_replay_refuses_every_call_and_says_what_to_do(call):
    with pytest.raises(ReplayMissError, match=r"never calls out(.|\n)*goldpan ledger import"):
        call(ReplayProvider())
