"""What is given at start, checked in the first state: declared inputs by type, `only` by the names in table lists.

The command line has checked before (`stepdig.given`); this is for whatever else starts an execution.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from stepdig import plan
from stepdig.jsonata_text import literal
from stepdig.language.input_types import NAMES, TYPES
from stepdig.language.model import Input
from stepdig.limits import START_CHARS

SHOWN = 10  # names of a list in a message


def checked_params(inputs: Sequence[Input] | None, *, exempt: Sequence[str]) -> str:
    """Return JSONata that binds `$p` anew: converted to the declared types; it raises what is wrong, all at once.

    `exempt` are names that may be given without being declared.
    """
    if inputs is None:
        return ""
    known = f"known: {', '.join(it.name for it in inputs)}" if inputs else "it takes none"
    tests = " or ".join(f"$k='{name}'" for name in exempt)
    passed = f"{tests}?{{'k':$k,'c':$v}}:" if exempt else ""
    required = [it.name for it in inputs if it.required]
    missing = ""
    if required:
        missing = (
            f",$map($filter({literal(required)},function($k){{$not($k in $n)}}),function($k){{$k&' must be given'}})"
        )
    return (
        f"$s:={literal({it.name: _row(it) for it in inputs})};"
        f"$conv:=function($t,$v){{{_conversions(inputs)}}};"
        "$q:=function($v){' not '&$substring($string($v),0,60)};"
        "$p:=$merge($append([{}],[$each($p,function($v,$k){$type($v)!='null'?{$k:$v}})]));"
        "$n:=[$keys($p)];"
        f"$r:=[$map($n,function($k){{($d:=$lookup($s,$k);$v:=$lookup($p,$k);$c:=$conv($d.t,$v);{passed}{{'k':$k,'c':$c,'e':"
        f"$not($exists($d))?'there is no parameter '&$k&{literal(f' ({known})')}"
        ":$not($exists($c))?$k&' must be '&$d.said&','&$q($v)"
        ":$exists($d.v) and ($w:=[$c];$count($w[$not($ in $d.v)])>0)"
        "?$k&' must be one of '&$join($map($d.v,$string),', ')&','&$q($v)})})];"
        f"$e:=[$r.e{missing}];"
        "$p:=$count($e)>0?$error('wrong parameters: '&$join($e,'; '))"
        ":$merge($append([{}],[$map($r,function($x){{$x.k:$x.c}})]));"
        # A comma list grows when it becomes a list, a number when it becomes a text.
        f"$length($string([$string($p)]))>{START_CHARS}"
        f"?$error('the parameters of a run may have {START_CHARS} characters as JSON inside JSON');"
    )


def _row(it: Input) -> dict[str, object]:
    row: dict[str, object] = {"t": it.type, "said": TYPES[it.type].said}
    return {**row, "v": list(it.values)} if it.values else row


def _conversions(inputs: Sequence[Input]) -> str:
    """Return the body of the function that converts to the types in use; nothing for any other."""
    used = sorted({it.type for it in inputs})
    return ":".join(f"$t='{name}'?({TYPES[name].code})" for name in used) or "false?0"


def narrowed_lists(lists: Sequence[plan.NamedList], whole: Collection[str] = ()) -> str:
    """Return JSONata for the variable `only`: for each list that is narrowed, the names asked for; for a `whole` one always.

    `only` among the parameters is a comma list or a JSON list, each name in some list and no list without one; or an object
    with such a list for each task it means.
    """
    return _one_list(lists[0], whole) if len(lists) == 1 else _many_lists(lists, whole)


_GIVEN = "$in:=$states.context.Execution.Input;$o:=$type($in)='object'?$in.params.only;"
_SPLIT = f"$s:=function($v){{$type($v)='string'?{NAMES.format('$v')}:[$v]}};"


def _one_list(it: plan.NamedList, whole: Collection[str]) -> str:
    """Return what `_many_lists` does, briefly, for the one list that most workflows have."""
    path, all_of_it = literal(f"+{it.path}"), f"{{{literal(it.path)}:$r}}" if it.path in whole else "{}"
    shown = f"{literal(f' in +{it.path} (')}&$join($r[[0..{SHOWN - 1}]],', ')"
    end = literal(", ...)" if len(it.names) > SHOWN else ")")
    return (
        f"({_GIVEN}$r:={literal(list(it.names))};$b:=$type($o)='object';{_SPLIT}"
        f"$e:=function($w,$k){{$k!='' and $substring({path},-1-$length($k))!='+'&$k"
        f"?'there is no list of +'&$k&{literal(f'; there are +{it.path}')}"
        ":$count($w)=0?'no row'&($k=''?'':' of +'&$k)&' is named'"
        f":$join($w[$not($ in $r)].('there is no '&$string($)&{shown}&{end}),'; ')}};"
        f"$not($exists($o)) or $o=null?{all_of_it}:("
        "$x:=$b?$each($o,function($v,$k){$e($s($v),$k)}):$e($s($o),'');"
        "$w:=$b?$reduce($each($o,$s),$append,[]):$s($o);"
        f"$exists($x)?$error('only: '&$join($x,'; ')):$count($w)=0?{all_of_it}:{{{literal(it.path)}:$w}}))"
    )


def _many_lists(lists: Sequence[plan.NamedList], whole: Collection[str]) -> str:
    groups: dict[tuple[str, ...], list[str]] = {}
    for it in lists:
        groups.setdefault(it.names, []).append(it.path)
    rows = [{"p": paths, "r": list(names)} for names, paths in groups.items()]
    kept = literal([path for it in lists if (path := it.path) in whole])
    every = f"$merge($append([{{}}],[$l.($g:=$;$g.p[$ in {kept}].{{$:[$g.r]}})]))" if whole else "{}"
    return (
        f"({_GIVEN}$l:={literal(rows)};$all:={every};"
        "$not($exists($o)) or $type($o)='null'?$all:("
        f"{_SPLIT}"
        "$m:=function($x,$k){$x=$k or $substring($x,-1-$length($k))='+'&$k};"
        f"$h:=function($g){{'+'&$g.p[0]&' ('&$join($g.r[[0..{SHOWN - 1}]],', ')&($count($g.r)>{SHOWN}?', ...':'')&')'}};"
        "$fail:=function($e){$count($e)>0?$error('only: '&$join($e,'; '))};"
        "$type($o)='object'?($ks:=[$keys($o)];"
        "$x:=$fail([$map($ks,function($k){($g:=[$l[$count(p[$m($,$k)])>0]];$w:=$s($lookup($o,$k));$u:=$w[$not($ in $g.r)];"
        "$count($g)=0?'there is no list of +'&$k&'; there are '&$join($map($l.p,function($x){'+'&$x}),', ')"
        ":$count($w)=0?'no row of +'&$k&' is named'"
        ":$exists($u)?'there is no '&$string($u[0])&' in '&$join($map($g,$h),', '))})]);"
        "$merge($append([$all],[$ks.($k:=$;$w:=$s($lookup($o,$k));$l.($g:=$;$g.p[$m($,$k)].{$:[$w[$ in $g.r]]}))])))"
        ":($w:=$s($o);$u:=$w[$not($ in $l.r)];"
        "$x:=$fail($count($w)=0?['no row is named']"
        ":$exists($u)?[$map($u,function($x){'there is no '&$string($x)&' in '&$join($map($l,$h),', ')})]"
        ":[$map($filter($l,function($g){$count($w[$ in $g.r])=0}),"
        "function($g){'no row of '&$h($g)&' is named; say which list you mean, as in only.'&$g.p[0]})]);"
        "$merge($append([{}],[$l.($g:=$;$g.p.{$:[$w[$ in $g.r]]})])))))"
    )


def narrowed(entries: str, narrow: Sequence[tuple[str, str]]) -> str:
    """Return JSONata for the entries of a list that are asked for: `narrow` has the names and what an entry is called."""
    names = [f"$n{number}" for number in range(len(narrow))]
    bound = "".join(f"{name}:={ref};" for name, (ref, _) in zip(names, narrow, strict=True))
    if len(narrow) == 1:
        return f"($e:={entries};{bound}$exists($n0)?[$e[{narrow[0][1]} in $n0]]:$e)"
    tests = [f"($not($exists({name})) or {item} in {name})" for name, (_, item) in zip(names, narrow, strict=True)]
    return f"($e:={entries};{bound}[$e[{' and '.join(tests)}]])"
