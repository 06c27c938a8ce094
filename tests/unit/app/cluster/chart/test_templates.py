"""Go's template language, as far as the chart uses it; the rest is refused, never passed over."""

from typing import Any

import pytest

from app.cluster.chart.evaluation import Templates
from app.cluster.chart.syntax import TemplateError, parse


def written(text: str, **dot: Any) -> str:
    return Templates().run(parse(text), dot)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a {{ .x }} b", "a 1 b"),
        ("a {{- .x -}} b", "a1b"),
        ("a {{- /* {{ not }} this */ -}} b", "ab"),
        ("{{ .missing }}|{{ true }}|{{ .none }}", "|true|"),
        ("{{ if .none }}a{{ else if .x }}b{{ else }}c{{ end }}d", "bd"),
        ("{{ if .none }}a{{ else if .none }}b{{ else }}c{{ end }}d", "cd"),
        ("{{ with .map }}{{ .b }}{{ $.x }}{{ end }}{{ with .none }}a{{ else }}b{{ end }}", "21b"),
        ("{{ range .list }}[{{ . }}]{{ end }}", "[p][q]"),
        ("{{ range $i, $v := .list }}{{ $i }}{{ $v }}{{ end }}", "0p1q"),
        ("{{ range $k, $v := .map }}{{ $k }}={{ $v }},{{ end }}", "a=1,b=2,"),
        ("{{ $t := 1 }}{{ range .list }}{{ $t = . }}{{ end }}{{ $t }}", "q"),
        ("{{ $t := 1 }}{{ if .x }}{{ $t := 2 }}{{ end }}{{ $t }}", "1"),
        ('{{ .none | default "d" | quote }}', '"d"'),
        ('{{ (get . "map").b }}{{ default (printf "%s!" "a") .none }}', "2a!"),
        ("{{ and .x .none }}|{{ or .none .x }}|{{ not .x }}", "|1|false"),
        ('{{ or .x (fail "never asked") }}', "1"),
        ("x: {{- toYaml .map | nindent 2 }}", "x:\n  a: 1\n  b: 2"),
        ('{{ `raw "text"` }}{{ "a\\"b" }}', 'raw "text"a"b'),
        ("{{ add 90 30 }}{{ sub 3 1 }}", "1202"),
    ],
)
def test_templates_write_what_go_writes(text: str, expected: str) -> None:
    values = {"x": 1, "none": None, "map": {"b": 2, "a": 1}, "list": ["p", "q"]}
    assert written(text, **values) == expected


def test_a_defined_template_sees_only_what_it_is_given() -> None:
    templates = Templates()
    templates.define(parse('{{- define "name" -}}{{ .a }}{{ $.a }}{{- end -}}'))
    nodes = parse('{{ $b := 5 }}{{ include "name" (dict "a" .x) }}')
    assert templates.run(nodes, {"x": 7}) == "77"
    templates.define(parse('{{ define "other" }}{{ $b }}{{ end }}'))
    with pytest.raises(TemplateError, match=r"no variable is called \$b"):
        templates.run(parse('{{ $b := 5 }}{{ include "other" . }}'), {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ if .x }}a", "if without an end"),
        ("{{ end }}", "end without a block"),
        ("{{ else }}", "else without a block"),
        ("{{ lookup .x }}", "no function is called lookup"),
        ('{{ include "gone" . }}', "no template is called gone"),
        ("{{ $gone }}", "no variable is called"),
        ("{{ .x.y.z }}", "has no field"),
        ("{{ (add 1 2 }}", "not closed"),
        ("{{ 1 2 }}", "only functions"),
        ("{{ .x | 3 }}", "only functions"),
        ("{{ .x ; }}", "not understood"),
        ("{{ .x | }}", "a value is missing"),
        ('{{ fail "because" }}', "because"),
        ('{{ required "x is needed" .none }}', "x is needed"),
    ],
)
def test_what_is_not_known_is_an_error(text: str, said: str) -> None:
    with pytest.raises(TemplateError, match=said):
        written(text, x=1)
