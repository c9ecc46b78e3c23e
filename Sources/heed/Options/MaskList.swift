import AttentionAnalysis
import AttentionTrace
internal import Drawing
import Figures
import Pictures

/// `--masks`: the masks of words, as in `cat=cat.png,frog=frog-{seed}.png`.
struct MaskList {
  private let masks: [NamedValue]

  init(_ text: String) throws {
    masks = try NamedValue.list(text, option: "--masks", example: "cat=cat.png")
  }

  /// The words that have masks.
  var words: [String] { masks.map(\.name) }

  /// The mask of a word in a run's picture: white, or whatever is lighter than the middle, is where
  /// the object is.
  func mask(of word: String, in run: RecordedRun) throws -> SegmentationMask {
    let manifest = run.manifest
    let value = masks.first { $0.name == word }?.value ?? ""
    let path = value.replacing("{seed}", with: String(manifest.seed))
    let image = try Picture.read(path)
    guard image.width == manifest.width, image.height == manifest.height else {
      throw Failure(
        .dataError,
        "\(path): a mask of \(image.width)x\(image.height) pixels, expected the picture's "
          + "\(manifest.width)x\(manifest.height)")
    }
    let channels = image.pixels.count / (image.width * image.height)
    let cells = stride(from: 0, to: image.pixels.count, by: channels).map { first in
      image.pixels[first..<first + min(channels, 3)].contains { $0 >= 128 }
    }
    return try SegmentationMask(
      grid: Grid(rows: image.height, columns: image.width), cells: cells)
  }
}
