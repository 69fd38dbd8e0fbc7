"""Functions of the languages beside C, C++, Java and Python: names, lines, headers, and what is none."""

import pytest

from codewren.core.errors import InputError
from codewren.dataflow import data_flow
from codewren.syntax.functions import extract
from codewren.syntax.grammars import LANGUAGES

NEW = ("javascript", "typescript", "tsx", "go", "csharp", "rust")


def names(source: str, language: str) -> list[str]:
    parsed = extract(source.encode(), language)
    assert not parsed.has_errors
    return [function.name for function in parsed.functions]


def headers(source: str, language: str) -> list[str]:
    raw = source.encode()
    return [raw[one.start_byte : one.body_byte].decode() for one in extract(raw, language).functions]


def test_javascript_functions_methods_and_what_is_bound_to_a_name() -> None:
    source = r"""
export default async function* main() { yield* g(); }
class A extends B {
  #p = 1; static s() {} get v() { return 1 } set v(x) {} async *[Symbol.iterator]() {} 'quoted name'() {} #q() {}
  h = (e) => e.x; static async k() { const inner = () => { return 1 }; }
}
const f = (a) => a + 1, g2 = function () {};
export const add = (a, b) => {
  return a + b;
};
A.prototype.run = function run() { };
this.handler = () => {};
function outer() { function inner() { return () => {} } }
"""
    assert names(source, "javascript") == [
        "main", "A.s", "A.v", "A.v", "A.[Symbol.iterator]", "A.quoted name", "A.#q", "A.h", "A.k", "A.k.inner", "f",
        "g2", "add", "A.prototype.run", "handler", "outer", "outer.inner",
    ]  # fmt: skip
    assert headers(source, "javascript")[7:13] == [
        "h = (e) =>", "static async k() {", "const inner = () => {", "f = (a) =>", "g2 = function () {",
        "const add = (a, b) => {",
    ]  # fmt: skip


def test_methods_of_javascript_objects_are_qualified_by_what_holds_them() -> None:
    source = """
const o = { m() {}, n: function () {}, p: () => 1, async q() {}, deep: { r() {} }, "str-key": () => 2, get s() {} };
module.exports = { exported() {} };
const C = class Inner { z() {} };
export default { methods: { t() {} } };
"""
    assert names(source, "javascript") == [
        "o.m", "o.n", "o.p", "o.q", "o.deep.r", "o.str-key", "o.s", "module.exports.exported", "C.z", "methods.t",
    ]  # fmt: skip


def test_javascript_callbacks_belong_to_the_function_around_them() -> None:
    source = """
describe("x", () => { it("y", function () { }) });
(function () { function hidden() {} })();
call(function named() {});
f(async (a) => { await a });
"""
    assert names(source, "javascript") == ["hidden", "named"]


def test_braces_in_templates_and_regular_expressions_end_no_function() -> None:
    source = r"""
function f() { const re = /[/{(]\/"}/g, t = `a ${ ((x) => { return `b ${"}"}` })(1) } {`; return re }
function g() {}
"""
    assert names(source, "javascript") == ["f", "g"]
    assert names(source, "typescript") == ["f", "g"]


def test_typescript_overloads_and_declarations_are_no_functions() -> None:
    source = """
export function over(a: string): void;
export function over(a: any): void { }
declare function d(): void;
interface I { m(): void }
type F = () => void;
abstract class A<T extends object = {}> implements I {
  abstract x(): void;
  constructor(private a: number) { super() }
  @dec() @two
  async m<U>(this: A<T>, u?: U): Promise<U> { return u! }
  private f = async <V,>(x: V): Promise<V> => x;
}
namespace N.M { export function g(): asserts x is string {} export const h = <T>(x: T): T => x }
const o = { a<T>(x: T) { return x as unknown as T }, b: (x): x is string => true } satisfies X;
export default (x: number) => x * 2;
"""
    assert names(source, "typescript") == [
        "over", "A.constructor", "A.m", "A.f", "N.M.g", "N.M.h", "o.a", "o.b", "default",
    ]  # fmt: skip
    assert headers(source, "typescript")[2] == "@dec() @two\n  async m<U>(this: A<T>, u?: U): Promise<U> {"
    assert headers(source, "typescript")[3].endswith("=>")


def test_components_in_tsx_are_functions() -> None:
    source = """
export const App: React.FC<Props> = ({ a }) => { return <div onClick={() => go()}>it's {a} `</div> };
function Hello<T>({ x }: { x: T }) { return <></>; }
"""
    assert names(source, "tsx") == ["App", "Hello"]


def test_go_methods_are_qualified_by_their_receivers() -> None:
    source = """package main
func main() { f := func() {}; f() }
func (s *Stack[T]) Push(v T) (err error) { return nil }
func (Point) String() string { return `{` }
func Map[K comparable, V any](m map[K]V) {}
func assembly(x int) int
type I interface { M() }
func (t (T)) multi(
	a int,
) {
}
"""
    assert names(source, "go") == ["main", "Stack.Push", "Point.String", "Map", "T.multi"]
    assert extract(source.encode(), "go").functions[-1][1:4] == (8, 10, 11)


def test_c_sharp_methods_constructors_and_operators_are_found_and_properties_are_not() -> None:
    source = r"""
namespace N {
  [Serializable] public class A<T> : B where T : new() {
    [Test] public async Task<int> M<U>(U x) { int Local(int y) => y; return Local(1); }
    public int Expr(int x) => x + 1;
    public A() : base() { } ~A() { }
    public int P { get { return 1; } set { } }
    public int this[int i] => 1;
    public static A operator +(A a, A b) => a;
    public static implicit operator int(A a) { return 1; }
    void I.F() {}
    public abstract void Abs();
    string s = $"a{x:N2}{{" + @"c:\" + "}";
    record R(int X) { public void InR() {} }
    struct S { void InS() {} }
    interface II { void Decl(); void Def() {} }
    event EventHandler E { add { } remove { } }
    Func<int, int> f = x => x + 1;
  }
}
"""
    assert names(source, "csharp") == [
        "A.M", "A.M.Local", "A.Expr", "A.A", "A.~A", "A.operator +", "A.operator int", "A.I.F", "A.R.InR", "A.S.InS",
        "A.II.Def",
    ]  # fmt: skip
    assert headers(source, "csharp")[:3] == [
        "[Test] public async Task<int> M<U>(U x) {", "int Local(int y) =>", "public int Expr(int x) =>",
    ]  # fmt: skip


def test_rust_functions_are_qualified_by_types_traits_and_modules() -> None:
    source = """
#[test]
#[should_panic]
pub async fn f<'a, T: Fn() -> u8>(x: &'a str) -> Result<(), Box<dyn E>> where T: X { fn inner() {} let c = |x| x; }
impl<T> fmt::Display for Foo<T> {
  #[inline] fn fmt(&self, f: &mut F) -> R { write!(f, "{}", '{') }
}
impl<'a> Tr for &'a mut Bar<'a> { const fn g() {} }
trait T { fn declared(&self); fn default(&self) { } }
mod m { pub unsafe extern "C" fn h() {} }
extern "C" { fn e(); }
"""
    assert names(source, "rust") == ["f", "f::inner", "Foo::fmt", "Bar::g", "T::default", "m::h"]
    assert headers(source, "rust")[0].startswith("#[test]\n#[should_panic]\npub async fn f<'a")
    assert headers(source, "rust")[2].startswith("#[inline] fn fmt")


@pytest.mark.parametrize("language", NEW)
def test_an_error_costs_no_neighbour(language: str) -> None:
    header = {"go": "func f()", "csharp": "void f()", "rust": "fn f()"}.get(language, "function f()")
    source = f"{header} {{ a = 1; }}\n\n%% ?? 0x;\n\n{header} {{ b = 2; }}\n"
    parsed = extract(source.encode(), language)
    assert parsed.has_errors
    assert [one.name for one in parsed.functions] == ["f", "f"]


@pytest.mark.parametrize("language", NEW)
def test_data_flow_says_which_languages_it_knows(language: str) -> None:
    assert language in LANGUAGES
    with pytest.raises(InputError, match=f"no data flow for language '{language}'"):
        data_flow("x", language)
