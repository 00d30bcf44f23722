//! The whole server, over real HTTP, against a PostgreSQL of its own and a scripted N8N.

#[cfg(test)]
mod access;
#[cfg(test)]
mod access_matrix;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod bulk;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod crowd;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod duplicates;
#[cfg(test)]
mod embedded;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod housekeeping;
#[cfg(test)]
mod http;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod jwks;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod log;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod migrate;
#[cfg(test)]
mod ops;
#[cfg(test)]
mod own_worker;
#[cfg(test)]
mod pack;
#[cfg(test)]
mod process;
#[cfg(test)]
mod rolling;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod send_and_confirm;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod support;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod two_thousand;
