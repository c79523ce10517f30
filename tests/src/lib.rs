//! Whole journeys across the real programs.
