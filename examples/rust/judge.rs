//! Judges files, each of them one function: prints every label's probability, or those of a pair of files.
//!
//!     rustc -O judge.rs -L "$(pkg-config --variable=libdir codewren)"
//!     ./judge vulnerability-c-micro.wren request.c

use std::ffi::{c_char, c_int, c_void, CStr};
use std::{env, fs, process, ptr};

#[repr(C)]
struct Text {
    data: *const u8,
    size: usize,
    language: *const c_char,
}

#[link(name = "codewren")]
extern "C" {
    fn codewren_error() -> *const c_char;
    fn codewren_load(bytes: *const c_void, size: usize, model: *mut *mut c_void) -> c_int;
    fn codewren_free(model: *mut c_void);
    fn codewren_functions_per_item(model: *const c_void) -> usize;
    fn codewren_label_count(model: *const c_void) -> usize;
    fn codewren_label(model: *const c_void, index: usize) -> *const c_char;
    fn codewren_predict(model: *mut c_void, texts: *const Text, items: usize, out: *mut f64) -> c_int;
}

/// A loaded bundle, freed when it goes out of scope.
struct Model(*mut c_void);

impl Drop for Model {
    fn drop(&mut self) {
        unsafe { codewren_free(self.0) }
    }
}

fn checked(status: c_int) -> Result<(), String> {
    match status {
        0 => Ok(()),
        _ => Err(text_of(unsafe { codewren_error() })),
    }
}

fn text_of(text: *const c_char) -> String {
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

impl Model {
    fn load(bundle: &[u8]) -> Result<Model, String> {
        let mut model = ptr::null_mut();
        checked(unsafe { codewren_load(bundle.as_ptr().cast(), bundle.len(), &mut model) })?;
        Ok(Model(model))
    }

    fn labels(&self) -> Vec<String> {
        let count = unsafe { codewren_label_count(self.0) };
        (0..count).map(|index| text_of(unsafe { codewren_label(self.0, index) })).collect()
    }

    fn functions_per_item(&self) -> usize {
        unsafe { codewren_functions_per_item(self.0) }
    }

    /// One row of probabilities an item, columns in the order of the labels.
    fn predict(&mut self, sources: &[String]) -> Result<Vec<Vec<f64>>, String> {
        let texts: Vec<Text> = sources
            .iter()
            .map(|source| Text { data: source.as_ptr(), size: source.len(), language: ptr::null() })
            .collect();
        let (items, labels) = (sources.len() / self.functions_per_item(), self.labels().len());
        let mut out = vec![0.0; items * labels];
        checked(unsafe { codewren_predict(self.0, texts.as_ptr(), items, out.as_mut_ptr()) })?;
        Ok(out.chunks(labels).map(<[f64]>::to_vec).collect())
    }
}

fn run(paths: &[String]) -> Result<(), String> {
    let read = |path: &String| fs::read(path).map_err(|error| format!("{path}: {error}"));
    let mut model = Model::load(&read(&paths[0])?)?;
    let mut sources = Vec::new();
    for path in &paths[1..] {
        sources.push(String::from_utf8_lossy(&read(path)?).into_owned());
    }
    let (labels, width) = (model.labels(), model.functions_per_item());
    for (item, row) in model.predict(&sources)?.iter().enumerate() {
        let columns: Vec<String> =
            labels.iter().zip(row).map(|(label, share)| format!(" {label} {share:.9}")).collect();
        println!("{}{}", paths[1 + item * width], columns.concat());
    }
    Ok(())
}

fn main() {
    let paths: Vec<String> = env::args().skip(1).collect();
    if paths.len() < 2 {
        eprintln!("usage: judge BUNDLE FILE...");
        process::exit(2);
    }
    if let Err(problem) = run(&paths) {
        eprintln!("{problem}");
        process::exit(2);
    }
}
