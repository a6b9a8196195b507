"""What each stored report of a real scanner must come to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ASSETS = Path(__file__).parents[1] / "assets"
ENVIRONMENTS = ("dev", "staging", "prod")
VERDICTS = {"a": "allow", "d": "deny", "i": "indeterminate"}


@dataclass(frozen=True)
class Stored:
    """A stored report and what must be decided of it, without the model's files."""

    report: str
    verdicts: str
    """The first letters of the verdicts of dev, staging and prod."""
    status: str
    reasons: dict[str, str]
    """Environment → words that stand in one of its violations, or, where it allows, in one of its warnings."""

    @property
    def path(self) -> Path:
        """The stored report."""
        return ASSETS / self.report

    @property
    def scanner(self) -> str:
        """The scanner that wrote it."""
        return self.report.split("/")[0]

    def verdict(self, environment: str) -> str:
        """The verdict that must come out for `environment`."""
        return VERDICTS[self.verdicts[ENVIRONMENTS.index(environment)]]


def everywhere(words: str) -> dict[str, str]:
    """Return the same words for every environment."""
    return dict.fromkeys(ENVIRONMENTS, words)


STORED = (
    Stored("modelaudit/hub.json", "aai", "completed", {"prod": "no digest"}),
    Stored("modelaudit/benign.json", "aid", "partial", {**everywhere("torch_state.pt"), "prod": "MEDIUM: "}),
    Stored("modelaudit/edge.json", "ddd", "partial", everywhere("CRITICAL: ")),
    Stored("modelaudit/lambda-h5.json", "aii", "partial", everywhere("keras_h5_h5py_unavailable")),
    Stored("modelaudit/malicious-hub.json", "ddd", "partial", everywhere("CRITICAL: ")),
    Stored("modelaudit/missing-path.json", "iii", "failed", everywhere("is failed")),
    Stored("modelscan/clean.json", "aai", "completed", {"prod": "no digest"}),
    Stored("modelscan/benign.json", "aii", "partial", everywhere("add.onnx")),
    Stored("modelscan/edge.json", "ddd", "partial", everywhere("'system' from module 'os'")),
    Stored("modelscan/malicious.json", "ddd", "partial", everywhere("'exec' from module '__builtin__'")),
    Stored("modelscan/malicious-full-install.json", "ddd", "partial", everywhere("CRITICAL: ")),
    Stored("modelscan/quiet.json", "aii", "partial", everywhere("UPPER.PKL")),
    Stored("modelscan/quiet-default.json", "aii", "partial", everywhere("--show-skipped")),
    Stored("picklescan/benign.txt", "aid", "partial", {**everywhere("scaler.joblib"), "prod": "MEDIUM: "}),
    Stored("picklescan/malicious.txt", "ddd", "partial", everywhere("os.system")),
    Stored("picklescan/malicious-aborted.txt", "ddd", "failed", everywhere("is failed")),
    Stored("picklescan/not-torch.txt", "aii", "partial", everywhere("not_torch.bin")),
    Stored("fickling/plain_dict.json", "aii", "partial", everywhere("partial")),
    Stored("fickling/os_system_p0.json", "ddd", "partial", everywhere("CRITICAL: ")),
    Stored("fickling/second_stream.json", "ddd", "partial", everywhere("CRITICAL: ")),
    Stored("fickling/three_imports.json", "ddd", "partial", everywhere("CRITICAL: ")),
    Stored("sarif/edge.sarif", "ddd", "partial", everywhere("CRITICAL: ")),
    Stored("sarif/malicious.sarif", "ddd", "failed", everywhere("is failed")),
)
