//! The same as a page with pictures: bars with whiskers from the lowest round to the highest, in one
//! file that needs nothing else.

mod bars;

use std::{
    fmt::{self, Display, Formatter},
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    machine::Machine,
    result::{Floor, Group, Told},
};

/// Light and dark, as the system of whoever looks has it.
const STYLE: &str = include_str!("style.css");

/// Writes the page and answers where it is.
pub(crate) fn write(told: &Told, machine: &Machine) -> io::Result<PathBuf> {
    // Cargo gives benches a folder under the target's.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let folder = target.unwrap_or_else(|| Path::new("target")).join("bench");
    fs::create_dir_all(&folder)?;
    let path = folder.join("versus.html");
    fs::write(&path, Page { told, machine }.to_string())?;
    Ok(path)
}

struct Page<'a> {
    told: &'a Told,
    machine: &'a Machine,
}

impl Display for Page<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>Jumun beside what one would take instead</title>\n",
        )?;
        writeln!(f, "<style>\n{STYLE}</style>\n</head>\n<body>\n<main>")?;
        f.write_str(
            "<h1>Jumun beside what one would take instead</h1>\n\
             <p>Bars are medians of rounds that took turns, and the whiskers on them reach from the \
             lowest round to the highest. The ratio is to the first bar of each picture.</p>\n\
             <p class=\"legend\"><span class=\"own\"></span>Jumun <span class=\"ceiling\"></span>what \
             the machine allows <span class=\"peer\"></span>what one would take instead</p>\n",
        )?;
        facts(f, self.machine)?;
        if !self.told.floors.is_empty() {
            f.write_str("<h2>What this project promises itself</h2>\n<table>\n")?;
            self.told.floors.iter().try_for_each(|own| floor(f, own))?;
            f.write_str("</table>\n")?;
        }
        self.told.groups.iter().try_for_each(|own| group(f, own))?;
        f.write_str("</main>\n</body>\n</html>\n")
    }
}

fn facts(f: &mut Formatter<'_>, machine: &Machine) -> fmt::Result {
    f.write_str("<dl>\n")?;
    for (name, fact) in machine {
        writeln!(f, "<dt>{name}</dt><dd>{}</dd>", Escaped(fact))?;
    }
    f.write_str("</dl>\n")
}

fn floor(f: &mut Formatter<'_>, floor: &Floor) -> fmt::Result {
    let (class, reached) = if floor.is_reached {
        ("reached", "✓ reached")
    } else {
        ("missed", "✗ not reached")
    };
    writeln!(
        f,
        "<tr><td>{}</td><td class=\"figure\">{}</td><td>{}</td><td class=\"{class}\">{reached}</td></tr>",
        Escaped(&floor.what),
        Escaped(&floor.figure),
        Escaped(&floor.wanted),
    )
}

fn group(f: &mut Formatter<'_>, group: &Group) -> fmt::Result {
    let (title, unit) = (Escaped(&group.title), Escaped(group.unit));
    let less = if group.less_is_better() {
        ", less is better"
    } else {
        ""
    };
    writeln!(f, "<section>\n<h2>{title} <small>{unit}{less}</small></h2>")?;
    bars::draw(f, group)?;
    for note in &group.notes {
        writeln!(f, "<p class=\"note\">{}</p>", Escaped(note))?;
    }
    f.write_str("</section>\n")
}

/// Text as HTML has it.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(['&', '<', '>', '"']) {
            let mut letters = part.chars();
            let entity = match letters.next_back() {
                Some('&') => "&amp;",
                Some('<') => "&lt;",
                Some('>') => "&gt;",
                Some('"') => "&quot;",
                _ => {
                    f.write_str(part)?;
                    continue;
                }
            };
            write!(f, "{}{entity}", letters.as_str())?;
        }
        Ok(())
    }
}
