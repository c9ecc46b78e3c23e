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
      if !text.isVertical {
        #expect(abs(drawn.number("x") - text.origin.x) <= 5e-4)
        #expect(abs(drawn.number("y") - text.origin.y) <= 5e-4)
      }
    }
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
  private var isInText = false

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
    isInText = name == "text"
    if isInText { texts.append(Text(attributes: attributes)) }
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) {
    if isInText { texts[texts.count - 1].string += string }
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) {
    isInText = false
  }
}
