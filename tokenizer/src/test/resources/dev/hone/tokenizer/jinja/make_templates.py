"""Templates and what Jinja 2 makes of them in the environment that transformers renders chat templates in.

Run: python make_templates.py    (jinja2)    Writes templates.json beside it.
"""
import json, pathlib
import jinja2, jinja2.ext, jinja2.sandbox

def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)

environment = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = raise_exception
values = {
    "s": "  Hello, Wörld 🙂!\n", "n": 7, "f": 2.5, "yes": True, "no": False, "nothing": None,
    "list": [3, 1, 2], "words": ["b", "A", "c"], "empty": [], "nested": {"a": {"b": [1, {"c": "d"}]}, "items": "mine"},
    "dict": {"x": 1, "y": [True, None], "z": "it's \"so\""},
    "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho", "name": "bot"}, {"role": "user", "content": "<b>&</b>"}],
}
templates = [
    # space
    "a\n  {% if yes %}\n  b\n  {% endif %}\nc\n", "a {%- if yes -%} b {%- endif -%} c", "x{% if yes %}\n\n y{% endif %}\n", "  {%+ if yes %} y{%+ endif %}\nz",
    "a {# gone #}\n b\n  {# gone #}\nc", "{{ n -}}  \n  x", "a  {{- n }}", "{% raw %}{{ no }}{% endraw %}!", "{% if yes +%}\nb{% endif %}", "{% for i in list -%}\n  {{ i }}\n{%- endfor %}",
    "one\r\ntwo\n\n", "{%- set a = 1 %}\n\n{{ a }}\n", "   {{ n }}", "{{ '}}' }}{{ '%}' }}", "{{ {'a': {'b': 1}}['a']['b'] }}", "tab\t{% if yes %}\t{% endif %}.",
    # printing
    "{{ yes }} {{ nothing }} {{ f }} {{ 1e20 }} {{ 0.00001 }} {{ 3.0 }} {{ -n }} {{ 1e15 }} {{ 123456789.125 }}", "{{ list }} {{ dict }} {{ messages[0] }} {{ (1,) }} {{ (1, 'a') }} {{ [] }} {{ {} }}",
    "{{ ['a\\n\\t\\\\', \"it's\", 'say \"x\"', '\\u00e9\\u200b\\x7f'] }}", "{{ missing }}|{{ dict.missing }}|{{ messages[9] }}", "{{ 'a' 'b' }}{{ \"c\\\"d\" }}{{ 'e\\'f' }}",
    # operators
    "{{ 7 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 7.5 % 2 }} {{ 1 + 2 * 3 }} {{ (1 + 2) * 3 }}", "{{ 'a' ~ 1 ~ none ~ yes }} {{ 'a' + 'b' * 3 }} {{ [1] + [2] }} {{ [0] * 3 }}",
    "{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 'a' < 'b' }} {{ 1 == 1.0 }} {{ true == 1 }} {{ [1, 2] == [1, 2] }} {{ (1, 2) == [1, 2] }} {{ 'a' != 1 }} {{ [1, 2] < [1, 3] }}",
    "{{ 1 in list }} {{ 'ell' in s }} {{ 'x' in dict }} {{ 9 not in list }} {{ not 1 in list }} {{ not yes }} {{ not not 2 }}", "{{ no or 'b' }} {{ yes and 'c' }} {{ '' or none }} {{ 0 and 1 }} {{ no or no or 3 and 4 }}",
    "{{ 'a' if yes else 'b' }} {{ 'a' if no }}| {{ 'a' if no else 'b' if no else 'c' }}", "{{ '%s is %d, %.2f, %r%%' % ('a', 3, 1.005, 'x') }} {{ '%s' % n }} {{ '%s' % ['a'] }}", "{{ 1 if n is defined and n > 5 else 2 }}", "{{ -2 | abs }} {{ 10 - 3 - 2 }} {{ 2 * 3 % 4 }}",
    # parts
    "{{ s[2] }} {{ s[-3] }} {{ s[2:7] }} {{ s[::-1] }} {{ list[::-1] }} {{ list[1:] }} {{ list[:-1] }} {{ list[-2:] }} {{ list[5:] }} {{ list[::2] }} {{ list[-1] }} {{ list[2:0:-1] }}", "{{ nested.a.b[1].c }} {{ nested['a']['b'][0] }} {{ nested.items() | list | length }} {{ nested['items'] }} {{ messages[1].name }}", "{{ messages[0].name is defined }} {{ messages[1]['name'] }} {{ (1, 2, 3)[1:] }}", "{{ dict['x'] }} {{ dict.get('x') }} {{ dict.get('q') }} {{ dict.get('q', 5) }} {{ dict.keys() | list }} {{ dict.values() | list }}", "{% for k, v in dict.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in dict %}{{ k }}{% endfor %}{% for c in 'añ🙂' %}<{{ c }}>{% endfor %}",
    # methods
    "[{{ s.strip() }}] [{{ s.lstrip() }}] [{{ s.rstrip() }}] [{{ 'xxaxx'.strip('x') }}] [{{ 'abca'.lstrip('ab') }}]", "{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a b  c'.rsplit(None, 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ''.split() }} {{ ''.split(',') }} {{ ' a b c '.split(None, 1) }} {{ 'a--b'.split('--')[-1] }}",
    "{{ 'abc'.startswith('ab') }} {{ 'abc'.endswith(('x', 'bc')) }} {{ 'aXbX'.replace('X', '') }} {{ 'aaa'.replace('a', 'b', 2) }} {{ 'ab'.replace('', '-') }} {{ 'ÄB'.lower() }} {{ 'straße'.upper() }} {{ 'they\\'re here'.title() }} {{ 'aBC d'.capitalize() }}", "{{ 'hello'.find('l') }} {{ 'hello'.rfind('l') }} {{ 'hello'.find('z') }} {{ '🙂x'.find('x') }} {{ 'banana'.count('an') }} {{ ', '.join(words) }} {{ '{} {1} {a}'.format('p', 'q', a=3) if no else '{0}-{a}'.format(1, a=2) }} {{ 'ab1'.isalnum() }} {{ '12'.isdigit() }} {{ ''.isdigit() }} {{ 'AB'.isupper() }}",
    "{{ 'pre-x'.removeprefix('pre-') }} {{ 'x.py'.removesuffix('.py') }} {{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'a\\nb\\n'.splitlines() }} {{ list.index(2) }} {{ list.count(1) }}",
    # filters
    "{{ s | trim }}|{{ s | length }} {{ list | length }} {{ dict | count }} {{ words | join('-') }} {{ list | join }} {{ messages | join(', ', attribute='role') }}", "{{ list | first }} {{ list | last }} {{ 'abc' | first }} {{ list | sort }} {{ words | sort }} {{ words | sort(case_sensitive=true) }} {{ list | sort(reverse=true) }} {{ list | reverse | list }} {{ 'abc' | reverse }} {{ [1, 1, 2] | unique | list }} {{ messages | sort(attribute='content') | map(attribute='content') | list }}",
    "{{ missing | default('d') }} {{ '' | default('d') }}| {{ '' | default('d', true) }} {{ nothing | default('d') }} {{ missing | d }}|", "{{ '42' | int }} {{ 'x' | int }} {{ '3.7' | int }} {{ 3.7 | int }} {{ '2.5' | float }} {{ n | string + 'x' }} {{ 3.14159 | round(2) }} {{ 2.5 | round }} {{ 3 | round }} {{ 2.1 | round(0, 'ceil') }} {{ list | sum }} {{ list | max }} {{ list | min }}",
    "{{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ messages | selectattr('name', 'defined') | map(attribute='name') | list }} {{ messages | rejectattr('role', 'eq', 'user') | map(attribute='content') | first }} {{ list | select('odd') | list }} {{ list | reject('gt', 1) | list }} {{ words | map('upper') | list }} {{ list | map('string') | join('+') }} {{ messages | map(attribute='name', default='-') | list }} {{ [0, 1, ''] | select | list }}",
    "{{ dict | items | list }} {{ dict | dictsort }} {{ 'a\\nb\\n\\nc' | indent }} {{ 'a\\nb' | indent(2, true) }} {{ 'x' | indent('>', first=true) }} {{ '<&\"' | e }} {{ '<' | safe }} {{ 'hello world' | title }} {{ 'hELLO' | capitalize }} {{ 'a%sc' | format('b') }} {{ 'aab' | replace('a', 'x') }} {{ -3 | abs }} {{ 'é' | upper | lower }}",
    "{{ dict | tojson }} {{ s | tojson }} {{ [1.0, 1e-7, none, true, 'é\\u2028</b>'] | tojson }}", "{{ nested | tojson(indent=2) }}{{ [] | tojson(indent=2) }}{{ {} | tojson(indent=2) }}", "{{ {'b': 1, 'a': [1, 2]} | tojson(separators=(',', ':'), sort_keys=true) }} {{ 'é🙂' | tojson(ensure_ascii=true) }} {{ {1: 2, none: 3, false: 4} | tojson }}", "{{ messages | map(attribute='content') | join('') | length }}",
    # tests
    "{{ n is number }} {{ n is integer }} {{ f is float }} {{ yes is boolean }} {{ yes is integer }} {{ s is string }} {{ list is iterable }} {{ s is iterable }} {{ dict is mapping }} {{ list is mapping }} {{ list is sequence }} {{ dict is sequence }} {{ nothing is none }} {{ nothing is not none }} {{ missing is defined }} {{ missing is undefined }} {{ nothing is defined }} {{ yes is true }} {{ 1 is true }} {{ no is false }}",
    "{{ 4 is even }} {{ 3 is odd }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 1 is eq 1 }} {{ 'a' is in words }} {{ 'b' is in(words) }} {{ 1 is lt 2 }} {{ not missing is defined }} {{ 'a' is equalto 'a' or no }} {{ range is callable }} {{ 'abc' is lower }} {{ nothing is iterable }}",
    # statements
    "{% for m in messages %}{{ loop.index }}/{{ loop.length }}{{ loop.first }}{{ loop.last }}{{ loop.revindex0 }}{{ loop.previtem.role if loop.previtem is defined }}{{ loop.nextitem.role if not loop.last }};{% endfor %}", "{% for x in list if x > 1 %}{{ loop.index0 }}:{{ x }} {% else %}none{% endfor %}{% for x in empty %}x{% else %}none{% endfor %}", "{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x > 4 %}{% break %}{% endif %}{{ x }}{% endfor %}", "{% for x in [1, 2] %}{% for y in [1, 2] %}{{ loop.depth }}{{ x }}{{ y }} {% endfor %}{% endfor %}", "{% set a = 1 %}{% for x in list %}{% set a = x %}{{ a }}{% endfor %}{{ a }}", "{% set ns = namespace(a=1, b='x') %}{% for x in list %}{% set ns.a = ns.a + x %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns.c }}",
    "{% if no %}a{% elif n == 7 %}b{% else %}c{% endif %}", "{% set a, b = 1, 'x' %}{{ a }}{{ b }}{% set (c, d) = [2, 3] %}{{ c }}{{ d }}", "{% set t %}a{{ n }}{% endset %}[{{ t }}]{% set u | upper | trim %} q {% endset %}{{ u }}", "{% macro m(a, b=2, c='z') %}{{ a }}-{{ b }}-{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m(b=5, a=4) }}{{ m() }}", "{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "{% set g = 'global' %}{% macro m() %}{{ g }}{% set g = 'own' %}{{ g }}{% endmacro %}{{ m() }}{{ g }}", "{% macro box(t) %}<{{ t }}:{{ caller('x') }}>{% endmacro %}{% call(v) box('a') %}in {{ v }}{% endcall %}", "{% filter upper %}abc{{ n }}{% endfilter %}", "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}", "{% for a, b in [(1, 2), (3, 4)] %}{{ a * b }} {% endfor %}{% for i in 'ab' %}{{ loop.cycle('x', 'y') }}{{ loop.changed(i) }}{% endfor %}", "{{ range(3) | list }} {{ range(1, 7, 2) | list }} {{ range(3, 0, -1) | list }} {{ dict(a=1)['a'] if no }}", "{% if yes %}{% set inner = 5 %}{% endif %}{{ inner }}", "{% for x in missing %}x{% endfor %}{{ missing | length }}{{ missing == nothing }}{{ missing ~ 'a' }}",
    "{% set m = messages[0] %}{% if m.role == 'user' and (m.content is string) %}{{ '<|' + m['role'] + '|>' }}{% endif %}", "{% set x = [1] + [n] if yes else [] %}{{ x }}", "{{ messages[0]['content'].split('i')[0] + '!' }}", "{% set content = messages[2].content | replace('<', '&lt;') | trim %}{{ content }}",
    # refusals
    "{{ raise_exception('Roles must alternate: ' + messages[0].role) }}", "{{ missing.x }}", "{{ missing() }}", "{{ 'a' + 1 }}", "{{ missing + 'a' }}", "{{ 1 / 0 }}", "{{ nothing.x.y }}", "{{ list.append(4) }}", "{% for x in n %}{% endfor %}", "{{ dict.x() }}", "{{ s | nosuch }}", "{{ s is nosuch }}", "{{ s", "{% if %}", "{% endif %}", "{% for x in list %}", "{{ 1 + }}", "{{ 'a }}", "{% nosuch %}", "{% set n.a = 1 %}", "{{ s.__class__.__mro__ }}", "{{ ''.getClass().forName('java.lang.Runtime') }}", "{{ list[1:'a'] }}", "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{{ [1, 2] | tojson(nosuch=1) }}", "{% set a, b = [1] %}", "{{ missing | tojson }}", "{{ 1 < 'a' }}", "{{ namespace(1) }}",
]
out = []
for template in templates:
    case = {"template": template}
    try:
        case["expected"] = environment.from_string(template).render(**values)
    except jinja2.exceptions.TemplateError as e:
        case["raised" if type(e) is jinja2.exceptions.TemplateError else "error"] = str(e)
    except Exception as e:
        case["error"] = str(e)
    out.append(case)
(pathlib.Path(__file__).parent / "templates.json").write_text(json.dumps({"jinja2": jinja2.__version__, "values": values, "cases": out}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
print(len(out), "cases,", sum("error" in c for c in out), "errors")
