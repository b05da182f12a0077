"""JavaScript's conversions and operators as JSONata functions, put in front of an expression that needs them.

They cannot be stored in a variable of Step Functions, so each expression carries its own; hence the terse spelling.
NaN and undefined both are JSONata's "nothing". `$j_tz` stands for the rows of a zone with daylight saving time.
"""

import re
from typing import Dict, Iterable, List, Set

_ISO = (
    r"/^[0-9]{4}-[0-9][0-9]-[0-9][0-9]([T ][0-9][0-9]:[0-9][0-9](:[0-9][0-9]([.,][0-9]+)?)?)?"
    r"\s*(Z|[+-][0-9][0-9](:?[0-9][0-9])?)?$/"
)

SNIPPETS: Dict[str, str] = {
    # what ${...} prints, ToString, ToNumber, ToBoolean
    "t": "function($v){$type($v)='string'?$v:$exists($v) and $type($v)!='null'?$string($v):''}",
    "s": "function($v){$type($v)='string'?$v:$type($v)='array'?($count($v)=0?'':$join($map([0..$count($v)-1],function($i)"
    "{($e:=$v[$i];$exists($e) and $type($e)!='null'?$j_s($e):'')}),',')):$type($v)='object'?'[object Object]':"
    "$exists($v)?$string($v):'undefined'}",
    "n": "function($v){$type($v)='number'?$v:$type($v)='boolean'?($v?1:0):$type($v)='null'?0:$type($v)='string'?"
    r"($s:=$replace($v,/^\s+|\s+$/,'');$s=''?0:$contains($s,/^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?$/)?"
    r"$number($replace($replace($replace($s,/[.]([eE]|$)/,'$1'),/^([-+]?)[.]/,'$10.'),/^(-?)[+]?0*([0-9])/,'$1$2')))"
    ":$type($v)='array'?$j_n($j_s($v))}",
    "b": "function($v){$type($v) in ['array','object'] or $exists($v) and $boolean($v)}",
    "nt": "function($v){$type($v)='string'?$v:$exists($v)?$string($v):'null'}",
    "ns": "function($v){$exists($v)?$string($v):'NaN'}",
    "j": "function($v){$type($v)='string'?($s:=$string([$v]);$substring($s,1,$length($s)-2)):$exists($v)?$string($v):'null'}",
    # operators
    "add": "function($a,$b){$type($a) in ['string','array','object'] or $type($b) in ['string','array','object']?"
    "$j_s($a)&$j_s($b):$j_n($a)+$j_n($b)}",
    "same": "function($a,$b){$exists($a)=$exists($b) and ($not($exists($a)) or $a=$b and $not($type($a) in "
    "['array','object']))}",
    "eq": "function($a,$b){($x:=$type($a);$y:=$type($b);$x=$y?$a=$b and $not($x in ['array','object']):$not($exists($a)) or "
    "$x='null'?$not($exists($b)) or $y='null':$not($exists($b)) or $y='null'?false:($x='array' or $x='object') and "
    "($y='array' or $y='object')?false:$x='array' or $x='object'?$j_eq($j_s($a),$b):$y='array' or $y='object'?"
    "$j_eq($a,$j_s($b)):($m:=$j_n($a);$n:=$j_n($b);$exists($m) and $exists($n) and $m=$n))}",
    "lt": "function($a,$b){($p:=$type($a) in ['array','object']?$j_s($a):$a;$q:=$type($b) in ['array','object']?$j_s($b):$b;"
    "$type($p)='string' and $type($q)='string'?$p<$q:($m:=$j_n($p);$n:=$j_n($q);$exists($m) and $exists($n) and $m<$n))}",
    "le": "function($a,$b){($p:=$type($a) in ['array','object']?$j_s($a):$a;$q:=$type($b) in ['array','object']?$j_s($b):$b;"
    "$type($p)='string' and $type($q)='string'?$p<=$q:($m:=$j_n($p);$n:=$j_n($q);$exists($m) and $exists($n) and $m<=$n))}",
    "type": "function($v){$exists($v)?($t:=$type($v);$t='null' or $t='array'?'object':$t):'undefined'}",
    "tag": "function($v){'[object '&($exists($v)?($t:=$type($v);$uppercase($substring($t,0,1))&$substring($t,1)):"
    "'Undefined')&']'}",
    # members
    "get": "function($o,$k){$type($o)='array'?($type($k)='number'?($k>=0 and $k=$floor($k)?$o[$k]):$contains($j_s($k),"
    "/^(0|[1-9][0-9]*)$/)?$o[$number($j_s($k))]:$k='length'?$count($o)):$type($o)='object'?$lookup($o,$j_s($k)):"
    "$type($o)='string'?($type($k)='number'?($k>=0 and $k<$length($o)?$substring($o,$k,1)):$k='length'?$length($o)):"
    "$not($exists($o)) or $type($o)='null'?$error('TypeError: Cannot read property \\u0027'&$j_s($k)&'\\u0027 of '&"
    "($exists($o)?'null':'undefined'))}",
    "len": "function($v){$type($v)='string'?$length($v):$type($v)='array'?$count($v):$type($v)='object'?$lookup($v,'length'):"
    "$not($exists($v)) or $type($v)='null'?$error('TypeError: Cannot read property \\u0027length\\u0027 of '&"
    "($exists($v)?'null':'undefined'))}",
    "keys": "function($v){$type($v)='object'?[$keys($v)]:$type($v)='array'?($count($v)=0?[]:[$map([0..$count($v)-1],$string)]):"
    "$error('TypeError: Object.keys called on non-object')}",
    # texts and arrays
    "join": "function($a,$s){$type($a)='array'?$count($a)=0?'':$join($map([0..$count($a)-1],function($i){($e:=$a[$i];"
    "$exists($e) and $type($e)!='null'?$j_s($e):'')}),$s):$error('TypeError: join is not a function')}",
    "slice": "function($v,$a,$b){($l:=$type($v)='array';$n:=$l?$count($v):$length($v);$f:=$a<0?$max([0,$n+$a]):$min([$a,$n]);"
    "$t:=$exists($b)?($b<0?$max([0,$n+$b]):$min([$b,$n])):$n;$l?[$filter($v,function($x,$i){$i>=$f and $i<$t})]:"
    "$t>$f?$substring($v,$f,$t-$f):'')}",
    "index": "function($v,$x){$type($v)='array'?($r:=$filter([0..$count($v)-1],function($i){$type($v[$i])=$type($x) and "
    "$v[$i]=$x})[0];$exists($r)?$r:-1):($y:=$j_s($x);$y=''?0:$contains($v,$y)?$length($substringBefore($v,$y)):-1)}",
    # the calendar: offset at an instant, wall clock of an instant, instant of a wall clock
    "off": "function($t){$sum($j_tz[u<=$t].d)}",
    "wall": "function($t){$t+$j_off($t)}",
    "utc": "function($l){$l-$sum($j_tz[l<=$l].d)}",
    "ofs": "function($o,$c){($m:=$abs($o)/60000;($o<0?'-':'+')&$pad($string($floor($m/60)),-2,'0')&$c&"
    "$pad($string($m%60),-2,'0'))}",
    "month": "function($l,$n){($m:=$number($fromMillis($l,'[M1]'))-1+$n;$y:=$number($fromMillis($l,'[Y1]'))+$floor($m/12);"
    "$m:=$m-12*$floor($m/12);$f:=function($y,$m){$toMillis($pad($string($y),-4,'0')&'-'&$pad($string($m+1),-2,'0')&"
    "'-01T00:00:00.000Z')};$s:=$f($y,$m);$e:=$m=11?$f($y+1,0):$f($y,$m+1);$s+86400000*($min([$number($fromMillis($l,"
    "'[D1]')),($e-$s)/86400000])-1)+$l-86400000*$floor($l/86400000))}",
    "start": "function($l){$toMillis($fromMillis($l,'[Y0001]-[M01]-01T00:00:00.000Z'))}",
    "amount": "function($v){$type($v) in ['number','string']?($n:=$j_n($v);$exists($n)?$n:0):0}",
    "days": "function($t,$l){$l=0?$t:$j_utc($j_wall($t)+$l)}",
    "months": "function($t,$n){$n=0?$t:$j_utc($j_month($j_wall($t),$n))}",
    "cat": "function($a,$b){$type($a)='array'?$append($a,$b):$type($a)='string'?$a&$j_s($b):"
    "$error('TypeError: concat is not a function')}",
    "char": "function($s,$i){$i<0?'':$substring($s,$i,1)}",
    "cut": "function($n){$exists($n)?$n<0?$ceil($n):$floor($n):0}",
    "round": "function($n){$n<0?-$floor(0.5-$n):$floor(0.5+$n)}",
    "date": "function($v){$type($v)='number'?$v:$type($v)='string'?($v=''?$lookup({},'x'):"
    "$contains($v,/^[0-9]{8}$/)?$j_utc($toMillis($substring($v,0,4)&'-'&$substring($v,4,2)&'-'&$substring($v,6,2)&'T00:00:00.000Z')):$contains($v,"
    + _ISO
    + ")?"
    "($r:=$substring($v,11);$z:=$match($r,/\\s*(Z|[+-][0-9][0-9](:?[0-9][0-9])?)$/)[0].match;$h:=$r=''?'00:00':"
    "$substring($r,0,$length($r)-($exists($z)?$length($z):0));$h:=$substring($replace($h,',','.')&"
    "($length($h)=5?':00.000':$length($h)=8?'.000':'00'),0,12);$t:=$toMillis($substring($v,0,10)&'T'&$h&'Z');"
    "$exists($z)?($d:=$replace($z,/[^0-9]/,'')&'00';$length($d)<4?$t:$t-($contains($z,'-')?-60000:60000)*(60*"
    "$number($substring($d,0,2))+$number($substring($d,2,2)))):$j_utc($t)):"
    "$error('moment: unsupported date text '&$v)):$type($v) in ['array','object']?$error('moment: not a date'):"
    "$exists($v)?$lookup({},'x'):$millis()}",
}
_CALLS = re.compile(r"\$j_([a-z]+)\b")


def with_snippets(code: str, tz: str, base: int) -> str:
    """Return code with the functions it calls in front; `tz` is the reference of the rows, "" for a fixed offset."""
    needed = _needed(_CALLS.findall(code))
    if not needed:
        return code
    body = code[1:-1] if _is_block(code) else code
    functions = "".join(f"$j_{name}:={_source(name, tz, base)};" for name in SNIPPETS if name in needed)
    return f"({functions}{body})"


def _is_block(code: str) -> bool:
    """Tell whether the whole code is one block of statements, whose parentheses can be shared."""
    if not code.startswith("($j") or not re.match(r"\(\$j\d+:=", code):
        return False
    depth = 0
    quoted = False
    for at, char in enumerate(code):
        quoted = quoted != (char == "'")
        if not quoted:
            depth += (char == "(") - (char == ")")
            if depth == 0:
                return at == len(code) - 1
    return False


def _source(name: str, tz: str, base: int) -> str:
    if tz or name not in ("off", "utc"):
        return SNIPPETS[name].replace("$j_tz", tz)
    return f"function($l){{$l-{base}}}".replace("--", "+") if name == "utc" else f"function($t){{{base}}}"


def _needed(names: Iterable[str]) -> Set[str]:
    needed: Set[str] = set()
    todo: List[str] = [name for name in names if name in SNIPPETS]
    while todo:
        name = todo.pop()
        if name not in needed:
            needed.add(name)
            todo += [other for other in _CALLS.findall(SNIPPETS[name]) if other in SNIPPETS]
    return needed
