//! Documents that are made from the commands themselves, and what is checked of each command.
//! No part of the program.

mod examples;
