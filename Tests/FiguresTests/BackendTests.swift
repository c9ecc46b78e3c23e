import AttentionAnalysis
import AttentionTrace
import Drawing
import Figures
import Foundation
import FoundationXML
import Pictures
import Testing

@Suite("Back ends")
struct BackendTests {
  @Test(
    "Colours read back through the colour bar give the values",
    arguments: [OverlayMode.mosaic, .cells, .side])
  func readBack(overlay: OverlayMode) throws {
    let sheet = Sample.sheet(seeds: 2, subjects: 4)
    let scene = try sheet.scene(SheetStyle(maps: MapStyle(overlay: overlay)))
    let image = try PNGBackend.image(scene, dpi: 300)
    let scale = 300.0 / 72
    let upper = ValueScale(covering: sheet.seeds.flatMap { $0.runs.flatMap(\.maps) }).upper
    func color(_ x: Double, _ y: Double) -> Color {
      let start = (Int(y * scale) * image.width + Int(x * scale)) * 3
      return Color(
        red: image.pixels[start], green: image.pixels[start + 1], blue: image.pixels[start + 2])
    }
    let bar = try #require(scene.panels.first { $0.path.last == "color bar" }?.frame)
    var values: [Color: [Double]] = [:]
    for position in stride(from: bar.x + 0.2, to: bar.maxX - 0.2, by: 0.1) {
      let value = (position - bar.x) / bar.width * upper
      values[color(position, bar.y + bar.height / 2), default: []].append(value)
    }
    var count = 0
    let methods = sheet.methods.map(\.title)
    for (index, seed) in sheet.seeds.enumerated() {
      for (name, run) in zip(methods, seed.runs) {
        for (subject, map) in zip(sheet.subjects, run.maps) {
          let path = ["seed \(index)", name, "map \(subject.name)"]
          let frame = try #require(scene.panels.first { $0.path == path }?.frame)
          for (cell, value) in map.values.enumerated() {
            let x =
              frame.x + (Double(cell % map.grid.columns) + 0.5) / Double(map.grid.columns)
              * frame.width
            let y =
              frame.y + (Double(cell / map.grid.columns) + 0.5) / Double(map.grid.rows)
              * frame.height
            let read = try #require(values[color(x, y)])
            let mean = read.reduce(0, +) / Double(read.count)
            #expect(abs(mean - Double(value)) <= upper / 255)
            count += 1
          }
        }
      }
    }
    #expect(count == 2 * 2 * 4 * 256)
  }

  @Test(
    "Over plain grey, the default look is solved from its blended pixels, and the bar is that blend"
  )
  func blended() throws {
    var sheet = Sample.sheet(seeds: 2, subjects: 4)
    let grey = Picture(width: 3, height: 3, pixels: Array(repeating: 77, count: 27))
    for index in sheet.seeds.indices {
      for run in sheet.seeds[index].runs.indices { sheet.seeds[index].runs[run].image = grey }
    }
    let scene = try sheet.scene()
    var frames: [[String]: Scene.Rect] = [:]
    scene.visit { path, node in
      if case .image(_, let frame) = node { frames[path] = frame }
    }
    var maps: [(AttentionMap, Scene.Rect)] = []
    for (index, seed) in sheet.seeds.enumerated() {
      for (method, run) in zip(sheet.methods, seed.runs) {
        for (subject, map) in zip(sheet.subjects, run.maps) {
          let path = ["seed \(index)", method.title, "map \(subject.name)"]
          maps.append((map, try #require(frames[path])))
        }
      }
    }
    let scale = ValueScale(covering: maps.map(\.0))
    try expectBlended(scene, maps, scale: scale, colors: .magma)
    var bar: [Color]?
    scene.visit { path, node in
      if path.last == "color bar", case .gradient(let colors, _) = node { bar = colors }
    }
    let colors = try #require(bar)
    for index in 0..<256 {
      let share = (Double(index) + 0.5) / 256
      let color = ColorMap.magma.colors[index]
      func blend(_ part: UInt8) -> UInt8 {
        UInt8((130 + (Double(part) - 130) * share).rounded())
      }
      #expect(
        colors[index]
          == Color(red: blend(color.red), green: blend(color.green), blue: blend(color.blue)))
    }
  }

  @Test("A PDF's fonts are embedded TrueType or Type 1 whatever the prompt, its words are text")
  func fonts() throws {
    var sheet = Sample.sheet(seeds: 2, subjects: 2)
    sheet.prompt = "a 🐸, 一只猫 and 👩‍👩‍👧 👍🏽 مرحبا עברית ∀x ☃ é e\u{301} \u{10FFFF}"
    sheet.subjects[0].name = "🐸"
    let scene = try sheet.scene()
    #expect(scene.warnings.count == 1)
    #expect(scene.warnings[0].contains("U+1F438"))
    try withFolder { folder in
      let path = folder.appendingPathComponent("a.pdf").path
      try PDFBackend.render(scene, to: path)
      let fonts = try run("pdffonts", [path])
      #expect(fonts.status == 0, "pdffonts, of poppler-utils: \(fonts.output)")
      let rows = fonts.output.split(separator: "\n").dropFirst(2)
      #expect(!rows.isEmpty)
      for row in rows {
        #expect(row.contains("TrueType") || row.contains("Type 1C") || row.contains("CID Type 0C"))
        #expect(!row.contains("Type 3"))
        #expect(row.contains(" yes yes yes "), "not embedded: \(row)")
      }
      let text = try run("pdftotext", ["-layout", path, "-"])
      for label in ["seed 1", "U+1F438", "excitation score", "peak 0.", "refinement tries"] {
        #expect(text.output.contains(label), "\(label)")
      }
      let pictures = try run("pdfimages", ["-list", path])
      let interpolated = pictures.output.split(separator: "\n").dropFirst(2).filter {
        $0.split(separator: " ").dropFirst(9).first == "yes"
      }
      #expect(interpolated.isEmpty)
      let facts = try run("pdfinfo", [path], environment: ["TZ": "UTC"])
      #expect(facts.output.contains("Page size:       495 x"))
      #expect(facts.output.contains("Nov 24 10:30:00 2026"))
    }
  }

  @Test("A picture drawn many times is in the file once")
  func repeatedPictures() throws {
    func size(_ times: Int) throws -> Int {
      let image = Picture(
        width: 200, height: 200,
        pixels: (0..<120_000).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 2_654_435_761 >> 13) })
      let nodes = (0..<times).map {
        Scene.Node.image(image, Scene.Rect(x: 0, y: Double($0), width: 50, height: 50))
      }
      return try PDFBackend.data(
        Scene(width: 100, height: 100, nodes: nodes, metadata: Sample.metadata)
      ).count
    }
    #expect(try size(5) < size(1) + 2000)
  }

  /// A scene whose picture is drawn in two places.
  private static func scene(title: String = Sample.metadata.title) -> Scene {
    let image = Sample.image(0)
    var metadata = Sample.metadata
    metadata.title = title
    return Scene(
      width: 101, height: 60,
      nodes: [
        .image(image, Scene.Rect(x: 1, y: 1, width: 40, height: 40)),
        .image(image, Scene.Rect(x: 50, y: 1, width: 40, height: 40)),
      ], metadata: metadata, caption: "Two pictures of “a & b”, 16×16.")
  }

  /// Objects of a PDF as JSON, by qpdf.
  private static func objects(_ path: String) throws -> String {
    let result = try run("qpdf", ["--qdf", "--object-streams=disable", path, "-"])
    return result.output
  }

  @Test("qpdf finds nothing wrong with a PDF, and no group where nothing is transparent")
  func strictPDF() throws {
    try withFolder { folder in
      let path = folder.appendingPathComponent("a.pdf").path
      for scene in try [
        Self.scene(), Self.scene().anonymous, Sample.sheet(seeds: 2, subjects: 2).scene(),
      ] {
        try PDFBackend.render(scene, to: path)
        let checked = try run("qpdf", ["--check", path])
        #expect(checked.status == 0, "qpdf: \(checked.output)")
        #expect(!checked.output.contains("WARNING"), "\(checked.output)")
        let objects = try Self.objects(path)
        #expect(objects.contains("/Lang (en)") && objects.contains("/MediaBox"))
        #expect(!objects.contains("/Transparency"))
      }
    }
  }

  @Test("A page keeps its group where something is transparent", arguments: ["0.5", "1"])
  func transparency(opacity: String) throws {
    // As Cairo writes a page, with an opacity that no scene has.
    let text = """
      %PDF-1.5
      1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
      2 0 obj <</Type/Pages/Kids[3 0 R 5 0 R]/Count 2>> endobj
      3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Group<</Type/Group/S/Transparency>>
        /Resources<</ExtGState<</a0<</CA 1 /ca \(opacity)>>>>>>/Contents 4 0 R>> endobj
      4 0 obj <</Length 0>> stream

      endstream endobj
      5 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Group<</Type/Group/S/Transparency>>
        /Contents 4 0 R>> endobj
      trailer <</Root 1 0 R/Size 6>>
      startxref
      0
      %%EOF
      """
    let bytes = try PDFCompletion.completed(
      Array(text.utf8), metadata: Sample.metadata, description: "")
    try withFolder { folder in
      let path = folder.appendingPathComponent("a.pdf")
      try Data(bytes).write(to: path)
      let groups = try Self.objects(path.path).components(separatedBy: "/Transparency").count - 1
      #expect(groups == (opacity == "1" ? 0 : 1))
    }
  }

  @Test("Bytes that are no PDF are refused in one line")
  func noPDF() {
    let error = #expect(throws: FigureError.self) {
      try PDFCompletion.completed(Array("words".utf8), metadata: Sample.metadata, description: "")
    }
    #expect(error?.description.hasPrefix("figure: qpdf: ") == true)
    #expect(error?.description.contains("\n") == false)
  }

  @Test("A PDF tells people its title, and programs its recipe; an anonymous one tells neither")
  func toldByPDF() throws {
    try withFolder { folder in
      let path = folder.appendingPathComponent("a.pdf").path
      let scene = Self.scene()
      try PDFBackend.render(scene, to: path)
      let facts = try run("pdfinfo", ["-rawdates", path]).output
      #expect(facts.contains("Title:           a cat and a frog"))
      #expect(facts.contains("Keywords:        text-to-image diffusion, cross-attention"))
      #expect(facts.contains("CreationDate:    D:20261124103000Z"))
      #expect(facts.contains("ModDate:         D:20261124103000Z"))
      let packet = try run("pdfinfo", ["-meta", path]).output
      let told = try PacketReader(packet)
      #expect(told.texts["dc:title"] == scene.metadata.title)
      #expect(told.texts["dc:description"] == scene.caption)
      #expect(told.texts["heed:manifest"] == scene.metadata.manifest)
      #expect(told.texts["xmp:CreateDate"] == scene.metadata.date)
      #expect(told.texts["xmp:CreatorTool"] == "Heed 0.1.0")
      try PDFBackend.render(scene.anonymous, to: path)
      let bare = try String(decoding: Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
      for word in ["a cat", "Heed", "cross-attention", "manifest>", "20261124"] {
        #expect(!bare.contains(word), "\(word)")
      }
      #expect(bare.contains("D:20000101000000Z"))
    }
  }

  @Test(
    "Ghostscript makes an archive file of a PDF, whatever the title",
    arguments: ["a cat and a frog", "kočka \\(a)", "猫と蛙"])
  func archive(title: String) throws {
    try withFolder { folder in
      let path = folder.appendingPathComponent("a.pdf").path
      try PDFBackend.render(Self.scene(title: title), to: path)
      // 1: what would not conform is left out; 2: it is an error, which a title in Unicode is to Ghostscript.
      let policy = title.utf8.allSatisfy { $0 < 0x80 } ? 2 : 1
      let result = try run(
        "gs",
        [
          "-q", "-dPDFA=2", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pdfwrite",
          "-sColorConversionStrategy=RGB", "-dPDFACompatibilityPolicy=\(policy)",
          "-sOutputFile=\(path).archive", path,
        ])
      #expect(result.status == 0)
      #expect(!result.output.contains("errors that were repaired"), "gs: \(result.output)")
      #expect(policy == 1 || result.output.isEmpty, "gs: \(result.output)")
      let packet = try run("pdfinfo", ["-meta", path + ".archive"]).output
      #expect(packet.contains("pdfaid:part='2'") && packet.contains("pdfaid:conformance='B'"))
    }
  }

  @Test("A PNG tells its title and what is in it; an anonymous one tells nothing")
  func toldByPNG() throws {
    let scene = Self.scene()
    let text = String(decoding: try PNGBackend.data(scene, dpi: 72), as: UTF8.self)
    #expect(text.contains("iTXtTitle\0\0\0\0\0a cat and a frog"))
    #expect(text.contains("iTXtDescription\0\0\0\0\0Two pictures of “a & b”, 16×16."))
    #expect(text.contains("iTXtheed:manifest\0\0\0\0\0{"))
    #expect(
      !String(decoding: try PNGBackend.data(scene.anonymous, dpi: 72), as: UTF8.self)
        .contains("iTXt"))
  }

  @Test("PDF and PNG show the same")
  func agreement() throws {
    let scene = try Sample.sheet(seeds: 2, subjects: 2).scene()
    try withFolder { folder in
      let stem = folder.appendingPathComponent("a").path
      try PDFBackend.render(scene, to: stem + ".pdf")
      let result = try run("pdftoppm", ["-png", "-singlefile", "-r", "288", stem + ".pdf", stem])
      #expect(result.status == 0, "pdftoppm, of poppler-utils: \(result.output)")
      let poppler = try Picture.read(stem + ".png")
      let ours = try PNGBackend.image(scene, dpi: 288)
      #expect(poppler.width == ours.width && poppler.height == ours.height)
      guard poppler.pixels.count == ours.pixels.count else { return }
      // Poppler snaps edges to whole pixels, so what is compared is the mean over 1/72 inch.
      let squares = zip(poppler.means, ours.means).map { ($0 - $1) * ($0 - $1) }
      let difference = (squares.reduce(0, +) / Double(squares.count)).squareRoot()
      #expect(difference < 8, "RMS \(difference)")
    }
  }

  @Test("The same bytes again, whatever was drawn in between")
  func sameBytes() throws {
    let scene = try Sample.sheet(seeds: 2, subjects: 2).scene()
    let (pdf, png) = (try PDFBackend.data(scene), try PNGBackend.data(scene, dpi: 100))
    let other = try Sample.sheet(seeds: 1, subjects: 1).scene()
    for _ in 0..<60 { _ = try PNGBackend.image(other, dpi: 20) }
    _ = try PDFBackend.data(other)
    let again = try Sample.sheet(seeds: 2, subjects: 2).scene()
    #expect(again.json == scene.json)
    #expect(try PDFBackend.data(again) == pdf)
    #expect(try PNGBackend.data(again, dpi: 100) == png)
  }

  private static let outputVariable = "HEED_WRITE_SHEET"

  @Test(
    "Writes a sheet for another process to compare",
    .enabled(if: ProcessInfo.processInfo.environment[outputVariable] != nil))
  func writeSheetForComparison() throws {
    let stem = try #require(ProcessInfo.processInfo.environment[Self.outputVariable])
    let scene = try Sample.sheet(seeds: 2, subjects: 2).scene()
    try PDFBackend.render(scene, to: stem + ".pdf")
    try PNGBackend.render(scene, dpi: 100, to: stem + ".png")
  }

  @Test(
    "The same bytes in another process, time zone, locale, folder and home",
    .disabled(if: ProcessInfo.processInfo.environment[outputVariable] != nil))
  func otherProcess() throws {
    let scene = try Sample.sheet(seeds: 2, subjects: 2).scene()
    let (pdf, png) = (try PDFBackend.data(scene), try PNGBackend.data(scene, dpi: 100))
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    try withFolder { folder in
      // A user's fontconfig that wants another font, hinted.
      let userConfiguration = folder.appendingPathComponent("fonts.conf")
      try """
      <?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
      <dir>/usr/share/fonts</dir><match target="pattern"><edit name="family" mode="assign"
      binding="strong"><string>DejaVu Serif</string></edit></match><match target="font"><edit
      name="hintstyle" mode="assign"><const>hintfull</const></edit></match></fontconfig>
      """.write(to: userConfiguration, atomically: true, encoding: .utf8)
      for (zone, locale) in [("Asia/Kathmandu", "C"), ("America/St_Johns", "C.UTF-8")] {
        let stem = folder.appendingPathComponent(locale).path
        let arguments =
          program.hasSuffix("swiftpm-testing-helper")
          ? Array(CommandLine.arguments.dropFirst().prefix(2)) : []
        let child = try run(
          program,
          arguments + [
            "--testing-library", "swift-testing", "--filter", "writeSheetForComparison",
          ],
          environment: [
            Self.outputVariable: stem, "TZ": zone, "LC_ALL": locale, "HOME": folder.path,
            "FONTCONFIG_FILE": userConfiguration.path,
          ], folder: folder)
        #expect(child.status == 0, "\(child.output.suffix(500))")
        #expect(try Array(Data(contentsOf: URL(fileURLWithPath: stem + ".pdf"))) == pdf)
        #expect(try Array(Data(contentsOf: URL(fileURLWithPath: stem + ".png"))) == png)
      }
    }
  }

  @Test("A date that is none, and a raster too large, are refused")
  func refusals() throws {
    var scene = try Sample.sheet(seeds: 1, subjects: 1).scene()
    #expect(throws: FigureError.self) { try PNGBackend.image(scene, dpi: 40_000) }
    #expect(throws: FigureError.self) { try PNGBackend.image(scene, dpi: .nan) }
    var metadata = scene.metadata
    for date in ["", "yesterday", "2026-11-24", "2026-11-24T10:30:00+01:00"] {
      metadata.date = date
      scene = Scene(width: 10, height: 10, nodes: [], metadata: metadata)
      #expect(throws: FigureError.invalidDate(date)) { try PDFBackend.data(scene) }
    }
  }

  @Test("A sheet of 4 × 8 panels takes less than a second, PDF and PNG together")
  func speed() throws {
    let sheet = Sample.sheet(seeds: 4, subjects: 3)
    // The best of three, for other tests run beside this one.
    let times = try (0..<3).map { _ in
      try ContinuousClock().measure {
        let scene = try sheet.scene()
        _ = try PDFBackend.data(scene)
        _ = try PNGBackend.data(scene)
      }
    }
    #expect(times.contains { $0 < .seconds(1) }, "\(times)")
  }
}

/// The texts of an XMP packet.
private final class PacketReader: NSObject, XMLParserDelegate {
  /// By the names of properties.
  private(set) var texts: [String: String] = [:]
  private var path: [String] = []

  init(_ packet: String) throws {
    super.init()
    let parser = XMLParser(data: Data(packet.utf8))
    parser.delegate = self
    try #require(parser.parse(), "\(String(describing: parser.parserError))")
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) { path.append(name) }

  func parser(_ parser: XMLParser, foundCharacters string: String) {
    guard let name = path.last(where: { !$0.hasPrefix("rdf:") }) else { return }
    texts[name, default: ""] += string
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) { path.removeLast() }
}
