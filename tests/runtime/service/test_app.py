"""The protocol's addresses: what each answers, and what is refused with which sentence."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from served import Service, tensor

from ssdgm_runtime import errors
from ssdgm_runtime.model import Model
from ssdgm_runtime.service import app, protocol

X = np.arange(48, dtype=np.uint8).reshape(3, 4, 4) % 17
OUTPUTS = [
    {"name": "logits", "datatype": "FP32", "shape": [-1, 3]},
    {"name": "probs", "datatype": "FP32", "shape": [-1, 3]},
    {"name": "labels", "datatype": "INT64", "shape": [-1]},
    {"name": "names", "datatype": "BYTES", "shape": [-1]},
]


def binary(entry: dict[str, Any], size: int) -> dict[str, Any]:
    """An input whose values come behind the JSON."""
    return {k: v for k, v in entry.items() if k != "data"} | {
        "parameters": {"binary_data_size": size}
    }


def test_a_server_says_what_it_is(service: Service) -> None:
    get = service.client.get
    assert get("/v2/health/live").json() == {"live": True}
    assert get("/v2/health/ready").json() == {"ready": True}
    assert get("/v2").json()["extensions"] == ["binary_tensor_data"]
    for base in (service.path, f"{service.path}/versions/1"):
        assert get(f"{base}/ready").json() == {"name": "tiny", "ready": True}
        about = get(base).json()
        assert about["name"] == "tiny"
        assert about["versions"] == ["1"]
        assert about["inputs"] == [{"name": "x", "datatype": "UINT8", "shape": [-1, 4, 4]}]
        assert about["outputs"] == OUTPUTS


def test_addresses_that_are_not_there(service: Service) -> None:
    get, post = service.client.get, service.client.post
    answer = get("/v2/models/other")
    assert answer.status_code == 404
    assert answer.json()["error"] == "There is no model 'other' here; expected 'tiny'"
    assert get("/v2/models/other/ready").status_code == 404
    assert post("/v2/models/other/infer", content=b"{}").status_code == 404
    assert get(f"{service.path}/versions/2").status_code == 404
    assert post(f"{service.path}/versions/2/infer", content=b"{}").status_code == 404
    assert get("/v1").json() == {"error": "Not Found"}
    refused = get(f"{service.path}/infer")
    assert refused.status_code == 405
    assert "error" in refused.json()


def test_the_addresses_are_described(service: Service) -> None:
    paths = service.client.get("/openapi.json").json()["paths"]
    assert {"/v2", "/v2/health/ready", "/v2/models/{name}", "/metrics"} <= set(paths)
    infer = paths[f"{app.BASES[0]}/infer"]
    assert infer["post"]["responses"].keys() >= {"200", "400", "404", "413", "503", "504"}
    assert infer["parameters"][0]["schema"]["example"] == "tiny"
    body = infer["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["inputs"]["items"]["properties"]["name"]["enum"] == ["x"]


@pytest.mark.parametrize("n", [1, 3])
def test_answers_are_those_of_the_model(service: Service, n: int) -> None:
    answer, outputs = service.model.classify(X[:n]), service.outputs(tensor("x", X[:n]))
    assert list(outputs) == [out["name"] for out in OUTPUTS]
    np.testing.assert_allclose(outputs["logits"], answer.logits, atol=1e-6)  # type: ignore[attr-defined]
    np.testing.assert_allclose(outputs["probs"], answer.probs, atol=1e-6)  # type: ignore[attr-defined]
    assert outputs["labels"].tolist() == answer.labels.tolist()
    assert outputs["names"].tolist() == answer.names


@pytest.mark.parametrize("name", ["tiny", "tagged", "measured", "watchful", "masked", "noisy"])
def test_golden_rows_of_every_kind_of_label(
    name: str, data: Path, serving: Callable[..., Service]
) -> None:
    from ssdgm_runtime import load

    golden = data / f"{name}.ssdgm/golden/classifier"
    with load(data / f"{name}.ssdgm", provider="cpu", threads=1) as opened:
        service, x = serving(opened), np.load(golden / "x.npy")
        about = service.client.get(service.path).json()
        outputs = service.outputs(tensor("x", x))
        alone = [service.outputs(tensor("x", row[None])) for row in x]
        answer = opened.classify(x)
    for known in about["outputs"]:
        shape = outputs[known["name"]].shape
        assert len(shape) == len(known["shape"])
        assert all(a == b or b == -1 for a, b in zip(shape, known["shape"], strict=True))
        each = np.concatenate([row[known["name"]] for row in alone])
        if known["datatype"] == "BYTES":
            assert each.tolist() == outputs[known["name"]].tolist()
            continue
        np.testing.assert_allclose(each, outputs[known["name"]], atol=1e-5)
        own = getattr(answer, known["name"])
        np.testing.assert_allclose(outputs[known["name"]], own, atol=1e-6, rtol=1e-6)
        if (path := golden / f"fp32/{known['name']}.npy").exists() and name != "noisy":
            golden_rows = np.load(path).reshape(own.shape)
            np.testing.assert_allclose(outputs[known["name"]], golden_rows, atol=1e-4)


def test_outputs_are_those_asked_for_and_the_id_comes_back(service: Service) -> None:
    answer = service.infer(tensor("x", X), id="a 7", outputs=[{"name": "names"}]).json()
    assert answer["id"] == "a 7"
    assert answer["model_name"] == "tiny"
    assert answer["model_version"] == "1"
    (only,) = answer["outputs"]
    assert only == {"name": "names", "datatype": "BYTES", "shape": [3], "data": only["data"]}
    assert "id" not in service.infer(tensor("x", X)).json()


def test_values_may_be_nested_as_the_shape_is(service: Service) -> None:
    flat, nested = tensor("x", X), {**tensor("x", X), "data": X.tolist()}
    assert service.infer(flat).json() == service.infer(nested).json()


def test_binary_values_in_and_out(service: Service) -> None:
    head = json.dumps(
        {
            "inputs": [binary(tensor("x", X), X.size)],
            "outputs": [
                {"name": "probs", "parameters": {"binary_data": True}},
                {"name": "labels"},
                {"name": "names", "parameters": {"binary_data": True}},
            ],
        }
    ).encode()
    headers = {protocol.HEADER: str(len(head))}
    path = f"{service.path}/infer"
    answer = service.client.post(path, content=head + X.tobytes(), headers=headers)
    size = int(answer.headers[protocol.HEADER])
    probs, labels, names = json.loads(answer.content[:size])["outputs"]
    raw, own = answer.content[size:], service.model.classify(X)
    assert probs["parameters"]["binary_data_size"] == 36
    given = np.frombuffer(raw[:36], "<f4").reshape(3, 3)
    np.testing.assert_allclose(given, own.probs, atol=1e-6)  # type: ignore[attr-defined]
    assert labels["data"] == own.labels.tolist()
    wanted = b"".join(struct.pack("<I", len(n)) + n.encode() for n in map(str, own.names))
    assert raw[36:] == wanted
    assert names["parameters"]["binary_data_size"] == len(wanted)


def test_no_rows_give_no_answers(service: Service) -> None:
    outputs = service.outputs(tensor("x", X[:0]))
    assert outputs["probs"].shape == (0, 3)
    assert outputs["names"].shape == (0,)


SENTENCES = {
    "x is uint8 [3, 16]; expected uint8 [n, 4, 4]. Try: x.reshape(-1, 4, 4)": tensor(
        "x", X.reshape(3, 16)
    ),
    "x is float32 [3, 4, 4]; expected uint8 [n, 4, 4]. Try: x.round().astype(np.uint8)": tensor(
        "x", X.astype(np.float32)
    ),
    "inputs is given with 'y'; expected 'x'": tensor("y", X),
    "inputs[0].shape is [3, -4]; expected a list of whole numbers such as [1, 28, 28]": {
        **tensor("x", X),
        "shape": [3, -4],
    },
    "inputs[0].data is a list of 48 values; expected 64, for the shape [4, 4, 4]": {
        **tensor("x", X),
        "shape": [4, 4, 4],
    },
    "inputs[0].data is a list with a str; expected int for UINT8": {
        **tensor("x", X),
        "data": ["1"] * 48,
    },
    "inputs[0].data is a list with a number that is too large; expected numbers of UINT8": {
        **tensor("x", X),
        "data": [256] * 48,
    },
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_bad_inputs_are_refused_in_one_sentence(service: Service, sentence: str) -> None:
    assert service.refused(SENTENCES[sentence]) == sentence


def test_bad_requests_are_refused_in_one_sentence(service: Service) -> None:
    x = tensor("x", X)
    assert service.refused(x, x) == "inputs[1].name is 'x'; expected each name once"
    assert service.refused(x, id=7) == "id is 7; expected a text"
    assert service.refused() == "inputs is []; expected a list of tensors, of one at least"
    unknown = service.refused(x, outputs=[{"name": "mean"}])
    assert unknown == (
        "outputs is given with 'mean'; expected some of ['logits', 'probs', 'labels', 'names']"
    )
    counted = [{"name": "probs", "parameters": {"classification": 2}}]
    assert "classification is given" in service.refused(x, outputs=counted)
    shared = {**x, "parameters": {"shared_memory_region": "r"}}
    assert "in shared memory" in service.refused(shared)
    zipped = service.client.post(
        f"{service.path}/infer", content=b"", headers={"Content-Encoding": "gzip"}
    )
    assert zipped.status_code == 415


def test_nan_is_refused_where_it_is_no_missing_value(
    noisy: Model, serving: Callable[..., Service]
) -> None:
    service = serving(noisy)
    rows = np.zeros((2, 3), np.float32)
    rows[1, 2] = np.nan
    assert service.refused(tensor("x", rows)).startswith("x is not finite in 1 of 2 rows")
    service.outputs(tensor("x", rows[:1].astype(np.float64), "FP64"))


def test_tables_come_as_their_columns(
    built: Callable[[str], Model], serving: Callable[..., Service]
) -> None:
    model = built("listed")
    service = serving(model)
    about = service.client.get(service.path).json()
    assert [(t["name"], t["datatype"]) for t in about["inputs"]] == [
        ("age", "FP32"),
        ("height", "FP32"),
        ("colour", "BYTES"),
        ("member", "BOOL"),
    ]
    columns: dict[str, list[Any]] = {
        "age": [30.0, None, 8.5],
        "height": [1.0, 2.0, 3.0],
        "colour": ["red", "blue", None],
        "member": [True, False, True],
    }
    own = model.classify(columns).probs  # type: ignore[arg-type, attr-defined]
    kinds = {t["name"]: t["datatype"] for t in about["inputs"]}
    given = [tensor(k, np.array(v, object), kinds[k]) for k, v in columns.items()]
    np.testing.assert_allclose(service.outputs(*given)["probs"], own, atol=1e-6)
    for i in range(3):
        row = [tensor(k, np.array(v, object)[[i], None], kinds[k]) for k, v in columns.items()]
        np.testing.assert_allclose(service.outputs(*row)["probs"], own[[i]], atol=1e-6)
    sentence = "x is a table without the column 'member', only with 'age', 'height', 'colour'"
    assert service.refused(*given[:3]).startswith(sentence)
    odd = {**given[0], "datatype": "BYTES", "data": ["old"] * 3}
    assert service.refused(odd, *given[1:]).startswith("x['age'][0] is 'old'")


def test_views_come_by_name_and_may_be_missing(
    built: Callable[[str], Model], serving: Callable[..., Service]
) -> None:
    model = built("several")
    service = serving(model)
    about = service.client.get(service.path).json()
    assert about["inputs"] == [
        {"name": "seen", "datatype": "UINT8", "shape": [-1, 2, 2]},
        {"name": "heard", "datatype": "FP32", "shape": [-1, 3]},
    ]
    seen, heard = X[:2, :2, :2], np.float32([[1, 2, 3], [0.5, 0, 0]])
    own = model.classify({"seen": seen, "heard": heard}).probs  # type: ignore[arg-type, attr-defined]
    both = service.outputs(tensor("seen", seen), tensor("heard", heard))
    np.testing.assert_allclose(both["probs"], own, atol=1e-6)
    one = service.outputs(tensor("heard", heard[:1]))
    alone = model.classify({"heard": heard[:1]}).probs  # type: ignore[arg-type, attr-defined]
    np.testing.assert_allclose(one["probs"], alone, atol=1e-6)
    assert "different numbers of rows" in service.refused(
        tensor("seen", seen[:1]), tensor("heard", heard)
    )


def test_a_model_that_cannot_be_served(data: Path, tiny: Model) -> None:
    from ssdgm_runtime import load

    wanted = pytest.raises(errors.TaskUnavailable, match="This bundle cannot classify")
    with load(data / "adversary.ssdgm") as opened, wanted:
        app.create(opened)
    with pytest.raises(errors.InputError, match="Give another with --name"):
        app.create(tiny, name="a/b")
