//! Budgets against analyses made by hand.
