import Drawing
import Figures
import Foundation
import FoundationXML
import Pictures
import Testing

@Suite("SVG")
struct SVGTests {
  @Test("A sheet is well-formed XML whose text is the scene's, at the scene's places")
  func texts() throws {
    let scene = try Sample.sheet(seeds: 2, subjects: 3).scene()
    let svg = try SVGDocument(SVGBackend.text(scene))
    #expect(svg.texts.map(\.string) == scene.texts.map(\.string))
    for (drawn, text) in zip(svg.texts, scene.texts) {
      let length = text.isVertical ? text.box.height : text.box.width
      #expect(abs(drawn.number("textLength") - length) <= 5e-4)
      #expect(drawn.number("font-size") == text.size)
      #expect(drawn.attributes["fill"] == text.color.hex)
      let (anchor, shift): (String?, Double) =
        switch text.anchor {
        case .start: (nil, 0)
        case .middle: ("middle", length / 2)
        case .end: ("end", length)
        }
      #expect(drawn.attributes["text-anchor"] == anchor)
      if !text.isVertical {
        #expect(abs(drawn.number("x") - text.origin.x - shift) <= 5.1e-4)
        #expect(abs(drawn.number("y") - text.origin.y) <= 5.1e-4)
      }
    }
    let anchors = Set(scene.texts.map(\.anchor))
    #expect(anchors == [.start, .middle, .end])
    #expect(svg.root["viewBox"] == "0 0 495 \(Int(scene.height))")
  }

  @Test("A picture is there once, and drawn as often as the scene has it")
  func pictures() throws {
    let scene = try Sample.sheet(seeds: 2, subjects: 2).scene()
    let svg = try SVGDocument(SVGBackend.text(scene))
    var places = 0
    var pictures: Set<Picture> = []
    scene.visit { _, node in
      if case .image(let image, _) = node {
        places += 1
        pictures.insert(image)
      }
    }
    #expect(svg.count["image"] == pictures.count && svg.count["use"] == places)
    #expect(svg.ids.count == Set(svg.ids).count)
    let data = try #require(svg.links.first { $0.hasPrefix("data:image/png;base64,") })
    let bytes = try #require(Data(base64Encoded: String(data.dropFirst(22))))
    #expect(pictures.contains(try Picture.decode([UInt8](bytes), path: "picture")))
  }

  @Test(
    "Words that mean something to XML stay words",
    arguments: ["</text><script>alert(1)</script>", "a & b \"c\" 'd'", "]]>", "\u{1}\u{FFFE} cat"])
  func hostile(prompt: String) throws {
    var sheet = Sample.sheet(seeds: 1, subjects: 1)
    sheet.prompt = prompt
    let scene = try sheet.scene()
    let svg = try SVGDocument(SVGBackend.text(scene))
    #expect(svg.texts.map(\.string) == scene.texts.map(\.string))
    #expect(svg.count["script"] == nil)
  }

  @Test("A figure has a name and a description for screen readers, and its recipe is metadata")
  func told() throws {
    let scene = try Sample.sheet(seeds: 1, subjects: 2).scene()
    let svg = try SVGDocument(SVGBackend.text(scene))
    #expect(svg.root["role"] == "img")
    #expect(svg.content["title"] == scene.metadata.title)
    #expect(svg.content["desc"] == scene.caption && !scene.caption.isEmpty)
    #expect(svg.content["manifest"] == scene.metadata.manifest)
    #expect(svg.ids.contains(try #require(svg.root["aria-labelledby"])))
    #expect(svg.ids.contains(try #require(svg.root["aria-describedby"])))
    let anonymous = try SVGDocument(SVGBackend.text(scene.anonymous))
    #expect(anonymous.content["title"] == "Figure of cross-attention")
    #expect(anonymous.ids.contains(try #require(anonymous.root["aria-labelledby"])))
    #expect(anonymous.root["aria-describedby"] == nil)
    #expect(anonymous.content["desc"] == nil && anonymous.content["manifest"] == nil)
  }

  @Test("Two figures on one web page share no name")
  func apart() throws {
    let ids = try [1, 2].map { subjects in
      let scene = try Sample.sheet(seeds: 1, subjects: subjects).scene()
      return try SVGDocument(SVGBackend.text(scene)).root["aria-labelledby"]
    }
    #expect(ids[0] != ids[1])
  }

  @Test("librsvg draws what the PNG shows, and xmllint finds nothing wrong")
  func otherPrograms() throws {
    let scene = try Sample.sheet(seeds: 2, subjects: 2).scene()
    try withFolder { folder in
      let stem = folder.appendingPathComponent("a").path
      try SVGBackend.render(scene, to: stem + ".svg")
      let linted = try run("xmllint", ["--noout", stem + ".svg"])
      #expect(linted.status == 0 && linted.output.isEmpty, "xmllint: \(linted.output)")
      // 288 pixels an inch: 4 of its 72.
      let drawn = try run(
        "rsvg-convert", ["--dpi-x", "288", "--dpi-y", "288", "-o", stem + ".png", stem + ".svg"])
      #expect(drawn.status == 0, "rsvg-convert: \(drawn.output)")
      let theirs = try Picture.read(stem + ".png")
      let ours = try PNGBackend.image(scene, dpi: 288)
      try #require(theirs.width == ours.width && theirs.height == ours.height)
      let squares = zip(theirs.means, ours.means).map { ($0 - $1) * ($0 - $1) }
      #expect((squares.reduce(0, +) / Double(squares.count)).squareRoot() < 8)
      let bar = try #require(scene.panels.first { $0.path.last == "color bar" }?.frame)
      let row = Int((bar.y + bar.height / 2) * 4)
      for column in Int(bar.x * 4) + 4..<Int(bar.maxX * 4) - 4 {
        let start = (row * ours.width + column) * 3
        for channel in start..<start + 3 {
          #expect(abs(Int(theirs.pixels[channel]) - Int(ours.pixels[channel])) <= 4)
        }
      }
    }
  }

  @Test("No label leaves the page where another, wider font is set at its own width")
  func otherFont() throws {
    let scene = try Sample.sheet(seeds: 2, subjects: 2).scene()
    try withFolder { folder in
      let stem = folder.appendingPathComponent("a").path
      try SVGBackend.render(scene, to: stem + ".svg")
      // librsvg takes no heed of `textLength`.
      try "text { font-family: 'DejaVu Sans' }".write(
        toFile: stem + ".css", atomically: true, encoding: .utf8)
      let drawn = try run(
        "rsvg-convert", ["--stylesheet", stem + ".css", "-o", stem + ".png", stem + ".svg"])
      #expect(drawn.status == 0, "rsvg-convert: \(drawn.output)")
      let picture = try Picture.read(stem + ".png")
      for text in scene.texts where text.anchor == .end {
        for row in Int(text.box.y * 96 / 72)...Int(text.box.maxY * 96 / 72) {
          let last = (row + 1) * picture.width * 3
          #expect(picture.pixels[last - 3..<last].allSatisfy { $0 == 255 }, "“\(text.string)”")
        }
      }
    }
  }

  @Test("The same scene gives the same text, whatever was drawn before")
  func sameText() throws {
    let scene = try Sample.sheet(seeds: 1, subjects: 2).scene()
    let first = try SVGBackend.text(scene)
    _ = try SVGBackend.text(Sample.sheet(seeds: 3, subjects: 1).scene())
    #expect(try SVGBackend.text(scene) == first)
  }
}

/// What a parser finds in an SVG document.
private final class SVGDocument: NSObject, XMLParserDelegate {
  struct Text {
    var string = ""
    let attributes: [String: String]

    func number(_ name: String) -> Double { attributes[name].flatMap(Double.init) ?? .nan }
  }

  private(set) var root: [String: String] = [:]
  private(set) var texts: [Text] = []
  private(set) var count: [String: Int] = [:]
  private(set) var ids: [String] = []
  private(set) var links: [String] = []
  /// The words of elements other than lines of text, by their names.
  private(set) var content: [String: String] = [:]
  private var element = ""
  private var isInText: Bool { element == "text" }

  init(_ text: String) throws {
    super.init()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = self
    try #require(parser.parse(), "\(String(describing: parser.parserError))")
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    if root.isEmpty { root = attributes }
    count[name, default: 0] += 1
    if let id = attributes["id"] { ids.append(id) }
    if let link = attributes["xlink:href"] { links.append(link) }
    element = name
    if isInText { texts.append(Text(attributes: attributes)) }
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) {
    if isInText {
      texts[texts.count - 1].string += string
    } else if !element.isEmpty {
      content[element, default: ""] += string
    }
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) {
    element = ""
  }
}
