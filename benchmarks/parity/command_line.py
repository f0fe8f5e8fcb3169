"""The command line of a checkout: one process for every command."""

import csv
import json
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.parity.inputs import Inputs, Response, hits_of, labelled, python_of
from benchmarks.parity.names import FieldNames
from benchmarks.parity.requests import ClassList, Query

WORKER = """
import io, json, sys, traceback
from contextlib import redirect_stderr, redirect_stdout
from index.__main__ import cli
responses = sys.stdout
for line in sys.stdin:
    out, err, code = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main(json.loads(line), prog_name="python -m index")
        except SystemExit as ended:
            code = ended.code or 0
        except BaseException:
            code = 70
            traceback.print_exc()
    responses.write(json.dumps([code, out.getvalue(), err.getvalue()]) + "\\n")
    responses.flush()
"""


class CommandLine:
    """`python -m index` of a checkout, in one process: each request is a call of the same entry point."""

    def __init__(self, checkout: Path, fields: FieldNames, inputs: Inputs, environment: dict[str, str]):
        self.fields, self.inputs = fields, inputs
        self.process = subprocess.Popen(
            [python_of(checkout), "-c", WORKER],
            cwd=checkout,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)

    def call(self, *arguments: str) -> Any:
        """The JSON document that a command prints, or {"error": its last line}."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(a) for a in arguments]) + "\n")
        self.process.stdin.flush()
        code, out, err = json.loads(self.process.stdout.readline())
        if code == 0:
            return json.loads(out)
        lines = err.strip().splitlines() or [f"exit code {code}"]
        return {"error": lines[-1].removeprefix("Error: ")}

    def search(self, query: Query) -> Response | None:
        options = self.options(query)
        if options is None:
            return None
        folder, count = self.inputs.collections[query.collection], query.k + query.offset
        text = ["--", query.text] if query.text else []
        found = self.call("search", str(folder), *options, "-k", str(count), "--json", *text)
        if "error" in found:
            return found
        hits = hits_of(found, self.fields)[query.offset :]
        return {"hits": hits, "matching": found[0].get("matching") if found else None}

    def options(self, query: Query) -> list[str] | None:
        """A query as options; None if there are none for it."""
        fields, likes = self.fields, self.inputs.likes(query)
        if not query.has_terms and not fields.cli_without_text:
            return None
        if (len(likes) > 1 or query.unlike) and not fields.cli_many_images:
            return None
        options = [f"--like={id}" for id in likes]
        options += [word for text in query.without for word in ("--without", text)]
        options += [f"--image={self.inputs.upload(query.collection, name)}" for name in query.uploads]
        options += ["--where", query.where] if query.where else []
        order = None if query.order == "best" else query.order
        for option, value in ((fields.cli_order, order), (fields.cli_threshold, query.threshold)):
            if value is not None and option is None:
                return None
            options += [option, str(value)] if option is not None and value is not None else []
        if query.likely:
            if fields.cli_likely is None:
                return None
            options.append(fields.cli_likely)
        for one in query.filters:
            filtered = fields.cli_filter(one) if fields.cli_filter is not None else None
            if filtered is None:
                return None
            options += filtered
        return options

    def label(self, request: ClassList) -> Response | None:
        if request.literal or (request.any and self.fields.cli_any is None):
            return None
        templates, out = request.templates, self.inputs.work / "labels.csv"
        if not isinstance(templates, str):
            file = self.inputs.work / "templates.txt"
            file.write_text("\n".join(templates) + "\n", encoding="utf-8")
            templates = str(file)
        options = ["--classes", str(self.inputs.class_file(request)), "--templates", templates, "--out", str(out)]
        options += ["--none"] if request.none else []
        options += (self.fields.cli_any or []) if request.any else []
        summary = self.call("label", str(self.inputs.collections[request.collection]), *options, "--json")
        if "error" in summary:
            return summary
        with out.open(encoding="utf-8", newline="") as table:
            rows = list(csv.DictReader(table))
        return {"images": {row["path"]: labelled(row) for row in rows}, "counts": summary["classes"]}
