"""A service that says it is elsewhere: the key does not go there."""

import pytest

from goldpan.errors import OnlineError
from goldpan.ledger import Ledger
from goldpan.providers.redirects import place_of_redirect
from goldpan.providers.scrubber import Scrubber
from tests.foreign_services import AnthropicService, AzureService, GeminiService
from tests.online_service import Say, online_service
from tests.projects import note_rows
from tests.stage_builders import answer_all, make_stage

KEY = "sk-test-0123456789abcdef"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_told_with_its_place_and_not_followed(status, tmp_path):
    with online_service() as elsewhere, online_service() as service:
        place = f"{elsewhere.base_url}/chat/completions"
        location = place.replace("//", f"//{KEY}@") + f"?key={KEY}"
        service._script = lambda call: Say(status, headers={"Location": location})
        (tmp_path / ".env").write_text(f"A_KEY={KEY}\n")
        settings = {
            "kind": "openai",
            "base_url": service.base_url,
            "api_key_env": "A_KEY",
            "grace_seconds": 0.2,
        }
        run = make_stage(tmp_path, note_rows(4), settings, model="m", mode="online")
        with pytest.raises(OnlineError) as caught:
            answer_all(run)
        assert place in str(caught.value) and "`base_url`" in str(caught.value)
        assert KEY not in str(caught.value)
        assert len(service.calls) == 1 and not elsewhere.calls
        with Ledger(run.project.ledger) as ledger:
            assert ledger.counts() == {}


@pytest.mark.parametrize(
    ("name", "speaks", "model"),
    [
        ("anthropic", AnthropicService, "claude-sonnet-4-5"),
        ("azure", AzureService, "my-deployment"),
        ("gemini", GeminiService, "gemini/gemini-2.5-flash"),
    ],
)
def test_a_redirect_of_a_service_that_litellm_asks_takes_no_key_elsewhere(name, speaks, model, tmp_path):
    with online_service(speaks=speaks) as elsewhere, online_service(speaks=speaks) as service:

        def script(call):
            return Say(307, headers={"Location": elsewhere.base_url + call.url})

        service._script = script
        (tmp_path / ".env").write_text(f"{name.upper()}_API_KEY={KEY}\n")
        settings = {"kind": "litellm", "custom_llm_provider": name, "base_url": service.base_url}
        run = make_stage(
            tmp_path, note_rows(2), {**settings, "patience_seconds": 0.3}, model=model, mode="online"
        )
        with pytest.raises(OnlineError, match=f"307, a redirect to {elsewhere.base_url}"):
            answer_all(run)
        assert service.calls and not elsewhere.calls


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://user:pw@new.example/v1?token=t#x", "https://new.example/v1"),
        ("https://user:pw@new.example:99999/v1?token=t", "https://new.example:99999/v1"),
        ("//user:pw@new.example#token=t", "//new.example"),
        ("/login?token=t", "/login"),
        ("https://new.example?mail=a@b", "https://new.example"),
        (f"https://new.example/{KEY}", "https://new.example/[key]"),
        ("https://new.example/" + "a" * 275 + KEY, "https://new.example/" + "a" * 275 + "[key]"),
        ("", "nowhere"),
    ],
)
def test_of_where_a_redirect_leads_no_user_query_or_key_is_shown(location, shown):
    assert place_of_redirect({"location": location}, Scrubber([KEY])) == shown
