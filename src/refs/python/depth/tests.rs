//! The stack is safe from any source, and no source makes the readers fail.

use proptest::prelude::*;
use ruff_python_ast::visitor::{Visitor, walk_body, walk_elif_else_clause, walk_expr, walk_pattern, walk_stmt};
use ruff_python_ast::{ElifElseClause, Expr, Mod, Pattern, Stmt};
use ruff_python_parser::{ParseOptions, parse_unchecked};

use super::super::{MAX_DEPTH, Target, references};
use super::*;

const WORDS: &[&[u8]] = &[b"tests", b"test"];

/// The modules that `source` imports, as far as they count.
fn imports(source: &str) -> Vec<String> {
    let module = |target| {
        if let Target::Import { module, .. } = target { Some(module) } else { None }
    };
    references(source.as_bytes(), WORDS, false).into_iter().filter_map(|found| module(found.target)).collect()
}

/// Constructs that nest as deep as they are long: before, again and again, after.
const DEEP: &[(&str, &str, &str, &str)] = &[
    ("x = ", "(", "", ")"),
    ("x = ", "[", "", "]"),
    ("x = ", "{", "1", "}"),
    ("x = ", "f(", "", ")"),
    ("x = ", "a[", "0", "]"),
    ("x = ", "{1:", "1", "}"),
    ("x = ", "(1,", "", ")"),
    ("x = ", "not ", "a", ""),
    ("x = ", "-", "1", ""),
    ("x = ", "await ", "a", ""),
    ("x = ", "1+", "1", ""),
    ("x = ", "2**", "1", ""),
    ("x = ", "a<", "1", ""),
    ("x = ", "a and b or ", "c", ""),
    ("x = ", "a.", "b", ""),
    ("x = a", "()", "", ""),
    ("x = a", "[0]", "", ""),
    ("x = ", "lambda: ", "0", ""),
    ("x = [", "lambda a, b: ", "0]", ""),
    ("x = (", "lambda a=lambda b, c: 0, d: ", "0)", ""),
    ("x = ", "1 if a else ", "0", ""),
    ("x = ", "[i for i in ", "a", "]"),
    ("x = [i ", "for i in a ", "]", ""),
    ("x = ", "f'{", "a", "}'"),
    ("x = ", "f'''{", "a", "}'''"),
    ("x = f'", "{a:", "", "}"),
    ("x = f'", "{lambda x:{", "1", "}}"),
    ("", "a = ", "1", ""),
    ("", "a: ", "1", ""),
    ("", "@a\n", "def f(): pass", ""),
    ("", "async ", "def f(): pass", ""),
    ("", "if a: ", "pass", ""),
    ("", "class A: ", "pass", ""),
    ("", "try: ", "pass", ""),
    ("", "with a: ", "pass", ""),
    ("", "with (", "a", ")"),
    ("", "match ", "x", ""),
    ("match x:\n case ", "[", "", "]: pass"),
    ("match x:\n case ", "A(a=", "1", "): pass"),
    ("match x:\n case ", "1 | ", "1: pass", ""),
    ("match x:\n case ", "a.", "b: pass", ""),
    ("if a: pass\n", "elif a: pass\n", "else: pass\n", ""),
    ("x = ", "yield ", "a", ""),
    ("x = ", "*", "a", ""),
    ("x = ", "(a := ", "1", ")"),
    ("x = ", "'a' ", "'b'", ""),
    ("def f", "[T: (", "int", ")]"),
    ("x = ", "(]", "", ")"),
    ("x = ", "((}", "", ")"),
    ("x = ", "f\"{x\" ", "", ""),
    ("del ", "(", "a", ")"),
    ("import ", "a.", "b", ""),
    ("from ", ".", " import a", ""),
    ("", "\\\n", "", ""),
];

fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn deep_nesting_leaves_the_stack_alone() {
    on_a_small_stack(|| {
        for &(before, again, middle, after) in DEEP {
            for count in [MAX_DEPTH / 3, MAX_DEPTH / 2, MAX_DEPTH - 10, MAX_DEPTH, 100_000] {
                let source =
                    [before, &again.repeat(count), middle, &after.repeat(count), "\nimport a.tests\n"].concat();
                let found = imports(&source);
                assert!(found.contains(&"a.tests".to_owned()), "{before}{again} x {count}: {found:?}");
            }
        }
        // The parser sees what is a string to the lexer.
        let hidden =
            ["[", "{", "(", "[1,", "{1:", "f(", "a[", "-", "not ", "lambda:", "1if 1else ", "1+", "a.", "await "];
        for (hidden, length) in hidden.iter().flat_map(|hidden| [(hidden, 1), (hidden, 30_000), (hidden, 200_000)]) {
            let source = format!("f\" {{ f\" \"a.b\" {}\nimport a.tests\n", hidden.repeat(length / hidden.len() + 1));
            assert!(imports(&source).contains(&"a.tests".to_owned()), "{hidden} x {length}");
        }
        let indented: String = (0..3_000).map(|i| format!("{}if a:\n", " ".repeat(i))).collect();
        let source = format!("import a.tests\n{indented}{}import b.tests", " ".repeat(3_000));
        assert_eq!(imports(&source), ["a.tests", "b.tests"]);
    });
}

/// The depth that a walk over the syntax tree really has.
#[derive(Default)]
struct Depth {
    now: usize,
    deepest: usize,
}

impl Depth {
    fn below(&mut self, walk: impl FnOnce(&mut Self)) {
        self.now += 1;
        self.deepest = self.deepest.max(self.now);
        walk(self);
        self.now -= 1;
    }
}

impl<'a> Visitor<'a> for Depth {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        self.below(|depth| walk_stmt(depth, stmt));
    }
    fn visit_expr(&mut self, expr: &'a Expr) {
        self.below(|depth| walk_expr(depth, expr));
    }
    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        self.below(|depth| walk_pattern(depth, pattern));
    }
    fn visit_elif_else_clause(&mut self, clause: &'a ElifElseClause) {
        self.below(|depth| walk_elif_else_clause(depth, clause));
    }
}

/// The real depth and the gauge's, of a source without errors.
fn depths(source: &str) -> Option<(usize, usize)> {
    let parsed = parse_unchecked(source, ParseOptions::from(Mode::Module));
    let mut depth = Depth::default();
    if let Mod::Module(module) = parsed.syntax() {
        walk_body(&mut depth, &module.body);
    }
    parsed.errors().is_empty().then(|| (depth.deepest, of_text(source, usize::MAX)))
}

/// A statement, its expression and a tuple in it need no operator.
const SLACK: usize = 4;

#[test]
fn no_tree_is_deeper_than_its_gauge_says() {
    for &(before, again, middle, after) in DEEP {
        let source = [before, &again.repeat(100), middle, &after.repeat(100)].concat();
        if let Some((real, gauge)) = depths(&source) {
            assert!(real <= gauge + SLACK, "{source}: {real} > {gauge}");
        }
    }
    let flat = format!("x = [{}]\ny = f({})", "a.b(c)[0] + -d, ".repeat(10_000), "lambda x, y: x + y, ".repeat(10_000));
    assert!(of_text(&flat, usize::MAX) < 20);
}

/// A correct expression.
fn expression() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(vec!["x", "1", "'tests'", "b'' b''", "f'a'", "None", "...", "()", "{}"]);
    let forms = "(A) (A).x (A)(B) (A)[B:] (A)+B A**(B) -A not(A) (A,B) [A,B] {A:B} {A,B} (x:=A) (A<B<C) (A)and(B)or(C) \
                 [(A)for(x,y)in(B)if(C)] {(A):(B)for(x)in(C)} (A)if(B)else(C) lambda:(A) (lambda~x,y:(A),B) \
                 (lambda*x,y=A:(B),C) f'''{A!r:{B}}'''f\"{C}\" (yield(A)) (await(A)) x(*A,y=B,**C) x.y.z[A](B)(C)";
    let forms: Vec<String> = forms.split(' ').map(|form| form.replace('~', " ")).collect();
    leaf.prop_map(str::to_owned).prop_recursive(6, 40, 3, move |inner| {
        (proptest::sample::select(forms.clone()), inner.clone(), inner.clone(), inner).prop_map(|(form, a, b, c)| {
            let put = |place| match place {
                'A' => format!("({a})"),
                'B' => format!("({b})"),
                'C' => format!("({c})"),
                other => other.to_string(),
            };
            form.chars().map(put).collect()
        })
    })
}

/// Correct statements in blocks.
fn block() -> impl Strategy<Value = String> {
    let simple = expression().prop_map(|e| format!("x = {e}; del x"));
    let heads =
        ["if E:", "async def f(a=E, *, b: E = E) -> E:", "class A[T](E):", "try: x\nexcept E:", "with E as x, E:"];
    let heads = [heads.as_slice(), &["for x, y in E:", "@E\ndef f(): return E\nwhile E:", "if E: x\nelif E:"]].concat();
    simple.prop_recursive(4, 12, 2, move |inner| {
        (proptest::sample::select(heads.clone()), expression(), inner.clone(), inner)
            .prop_map(|(head, e, a, b)| format!("{}\n {}\n{b}", head.replace('E', &e), a.replace('\n', "\n ")))
    })
}

/// Python's words and marks in any order, with blocks now and then.
fn soup() -> impl Strategy<Value = String> {
    let words = "( ) [ ] { } , : ; . + - * ** / @ | ~ = := == -> < not and or in is if else elif lambda await yield \
                 from import as async def class match case type for while with try except finally return del global \
                 x 1 'tests' \"a.b\" f' f\" f''' ' \" ''' {x !r \\ $ ? ! é # tests test a.tests";
    let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
    let blanks = ["\n", "\n ", "\n  ", "\n   ", "\\\n", "\r", "\t", "\u{c}", ":\n  ", "\0"].map(str::to_owned);
    let token = proptest::sample::select([words, blanks.to_vec()].concat());
    proptest::collection::vec((token, 0..4_usize), 0..120).prop_map(|tokens| {
        let mut source = String::new();
        for (token, times) in tokens {
            // Repeats make what nests.
            for _ in 0..times * times {
                source += &token;
                source += " ";
            }
        }
        source
    })
}

proptest! {
    #[test]
    fn no_tree_of_any_source_is_deeper_than_its_gauge_says(source in block(), soup in soup()) {
        let (real, gauge) = depths(&source).unwrap();
        prop_assert!(real <= gauge + SLACK, "{real} > {gauge}");
        prop_assert!(gauge <= 12 * real, "{gauge} is much more than {real}");
        if let Some((real, gauge)) = depths(&soup) {
            prop_assert!(real <= gauge + SLACK, "{real} > {gauge}");
        }
    }

    #[test]
    fn no_source_makes_it_fail(source in soup(), bytes: Vec<u8>, at in 0..200_usize, inside: bool) {
        let _ = references(&bytes, WORDS, inside);
        let _ = references(source.as_bytes(), WORDS, inside);
        let mut mutated = source.into_bytes();
        let at = at.min(mutated.len());
        mutated.splice(at..at, bytes);
        let found = references(&mutated, WORDS, inside);
        prop_assert!(found.is_sorted());
        let lines = u32::try_from(mutated.iter().filter(|c| matches!(c, b'\n' | b'\r')).count()).unwrap();
        prop_assert!(found.iter().all(|r| (1..=lines + 1).contains(&r.line)));
    }
}
