//! Carries out the steps of a plan, journal first, and undoes them.
