//! Tells the program which quinn it has: the folder of the registry is named after it.

fn main() {
    println!("cargo:rerun-if-env-changed=QUINN_VERSION");
    let version = std::env::var("QUINN_VERSION").unwrap_or_else(|_| "0.9".to_string());
    println!("cargo:rustc-env=QUINN_VERSION={version}");
}
