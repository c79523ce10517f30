//! A QR code as a scanner reads it off the screen or the paper.

/// Screen pixels for each unit of the drawing, so that no module is too small for a scanner.
const ZOOM: usize = 2;

/// What the one QR code of this drawing says.
pub fn scanned(svg: &str) -> String {
    let (side, dark) = drawn(svg);
    let pixel = |x: usize, y: usize| if dark[y / ZOOM][x / ZOOM] { 0 } else { 255 };
    let mut seen = rqrr::PreparedImage::prepare_from_greyscale(side * ZOOM, side * ZOOM, pixel);
    let codes = seen.detect_grids();
    assert_eq!(codes.len(), 1, "one code is to be seen");
    codes[0].decode().expect("it can be read").1
}

/// The side of the drawing, and which of its units are black.
fn drawn(svg: &str) -> (usize, Vec<Vec<bool>>) {
    let side = number(svg.split_once("width=\"").expect("it has a width").1);
    let mut dark = vec![vec![false; side]; side];
    let path = svg.rsplit_once(" d=\"").expect("it has a path").1;
    let rectangles = path.split('M').skip(1);
    for rectangle in rectangles {
        let (at, size) = rectangle.split_once('h').expect("a rectangle begins with its width");
        let (left, top) = at.split_once(' ').expect("a place has two numbers");
        let (width, height) = size.split_once('v').expect("a rectangle has a height");
        let (left, top) = (number(left), number(top));
        for row in &mut dark[top..top + number(height)] {
            row[left..left + number(width)].fill(true);
        }
    }
    (side, dark)
}

/// The number that a text begins with.
fn number(text: &str) -> usize {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..digits].parse().expect("a number")
}
