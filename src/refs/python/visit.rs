//! The reader on the syntax tree: every import and every string, wherever they stand.

use ruff_python_ast::visitor::{Visitor, walk_body, walk_expr, walk_interpolated_string_element, walk_stmt};
use ruff_python_ast::{Alias, Expr, InterpolatedStringElement, Mod, Stmt, StringLiteral};
use ruff_text_size::Ranged;

use super::Found;

/// Collects the references in `module`, in no order.
pub(super) fn collect(module: &Mod, found: &mut Found) {
    let mut walker = Walker { found };
    match module {
        Mod::Module(module) => walk_body(&mut walker, &module.body),
        Mod::Expression(expression) => walker.visit_expr(&expression.body),
    }
}

struct Walker<'f, 'w> {
    found: &'f mut Found<'w>,
}

fn offset(node: &impl Ranged) -> usize {
    node.start().to_usize()
}

fn names(aliases: &[Alias]) -> Vec<String> {
    aliases.iter().map(|alias| alias.name.to_string()).collect()
}

impl<'a> Visitor<'a> for Walker<'_, '_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.found.import(offset(stmt), 0, &alias.name, Vec::new());
                }
            }
            Stmt::ImportFrom(from) => {
                let module = from.module.as_ref().map_or("", |module| module.as_str());
                self.found.import(offset(stmt), from.level, module, names(&from.names));
            }
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            // Adjacent strings are one.
            Expr::StringLiteral(string) => self.found.literal(offset(expr), string.value.to_str()),
            Expr::BytesLiteral(bytes) => {
                let value: Vec<u8> = bytes.value.bytes().collect();
                if let Ok(value) = str::from_utf8(&value) {
                    self.found.literal(offset(expr), value);
                }
            }
            _ => walk_expr(self, expr),
        }
    }

    /// A plain string beside an f-string.
    fn visit_string_literal(&mut self, string: &'a StringLiteral) {
        self.found.literal(offset(string), &string.value);
    }

    /// In `f"{here}/tests/x.csv"` the text between the braces counts piece by piece.
    fn visit_interpolated_string_element(&mut self, element: &'a InterpolatedStringElement) {
        if let InterpolatedStringElement::Literal(literal) = element {
            self.found.literal(offset(literal), &literal.value);
        }
        walk_interpolated_string_element(self, element);
    }
}
