internal import Drawing
internal import Foundation
internal import Pictures
internal import TensorEngine

/// One self-contained HTML page that asks which of several sets of pictures shows best what a text says.
///
/// The page asks the network for nothing, and its content security policy allows it nothing but its own script,
/// style and pictures. It draws the order of questions and of sets for each respondent, keeps what is
/// answered in the browser where that is allowed, and saves the answers as a JSON file. Pictures are decoded and
/// encoded anew: nothing of their files but the pixels is in the page.
package struct QuestionnairePage: Sendable {
  /// A question of the page.
  package struct Question: Sendable {
    /// What the answers call it.
    let code: String
    /// The text that pictures are to show.
    let prompt: String
    /// The sets.
    let sets: [PictureSet]

    /// A question about `prompt`.
    package init(code: String, prompt: String, sets: [PictureSet]) {
      (self.code, self.prompt, self.sets) = (code, prompt, sets)
    }
  }

  /// Pictures that are shown together.
  package struct PictureSet: Sendable {
    /// What the answers call it.
    let code: String
    /// The pictures' files, each with the folder that no symbolic link may lead out of.
    let pictures: [(file: String, root: String)]

    /// The pictures in these files.
    package init(code: String, pictures: [(file: String, root: String)]) {
      (self.code, self.pictures) = (code, pictures)
    }
  }

  /// The largest page, in bytes: browsers hold no texts of more than half a gigabyte.
  private static let sizeLimit = 256 << 20

  /// The longest side of a picture that is shown to the last bit, in pixels.
  private static let lossless = 256
  /// The quality of JPEG files, at which loss is not seen at the size of a screen's pixels.
  private static let quality = 90

  /// The file's bytes, UTF-8.
  package let html: [UInt8]

  /// Makes a page.
  /// - Parameters:
  ///   - study: what the answers say they are of.
  ///   - questions: at least one.
  ///   - side: the longest side of a picture, in pixels; larger ones are made smaller.
  ///   - software: what makes the page, with the version.
  /// - Throws: `FileError` for a picture that cannot be read, and for a page that would be too large.
  package init(
    study: String, questions: [Question], side: Int, software: String
  ) throws {
    let template = try PageTemplate(
      "Questionnaire", name: "questionnaire", scripts: ["order", "memory", "answers", "page"])
    var size = template.size
    let asked = try questions.map { question in
      let sets = try question.sets.map { set in
        let pictures = try set.pictures.map { file, root in
          let address = try Self.picture(file, within: root, side: side)
          size += address.utf8.count
          guard size <= Self.sizeLimit else {
            throw FileError(
              .unsupported, path: "questionnaire",
              reason: "the pictures need more than \(formatBytes(Self.sizeLimit)); show fewer, or "
                + "smaller ones")
          }
          return JSONText.string(address)
        }
        return JSONText.object([
          "code": JSONText.string(set.code), "pictures": JSONText.array(pictures),
        ])
      }
      return JSONText.object([
        "code": JSONText.string(question.code), "prompt": JSONText.string(question.prompt),
        "sets": JSONText.array(sets),
      ])
    }
    let data = JSONText.object([
      "study": JSONText.string(study), "questions": JSONText.array(asked),
    ])
    let page = template.filled([
      "title": "Which pictures show what the text says?", "data": MarkupText.script(data),
      "software": MarkupText.escaped(software),
    ])
    html = Array(page.utf8)
  }

  /// Writes the page to the file at `path`, which appears whole or not at all.
  /// - Throws: `FileError`.
  package func write(to path: String) throws {
    try writeAtomically(html, to: path, throughLinks: true)
  }

  /// A picture's `data:` address: as it is while it is small, else as a JPEG file, a fifth of the size.
  private static func picture(
    _ path: String, within root: String, side: Int
  ) throws -> String {
    let picture = try Picture.read(path, within: root)
    let longer = max(picture.width, picture.height)
    let shown =
      longer <= side
      ? picture
      : picture.resized(
        width: max(1, picture.width * side / longer),
        height: max(1, picture.height * side / longer))
    return min(longer, side) <= lossless
      ? try shown.dataURI
      : Picture.dataURI(of: try shown.encodedJPEG(quality: quality), type: "jpeg")
  }
}
