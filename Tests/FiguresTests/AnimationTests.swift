import Drawing
import Figures
import Foundation
import Pictures
import TensorEngine
import Testing

/// Moving pictures as ffmpeg reads them.
@Suite("Animations")
struct AnimationTests {
  /// Frames with a part that stands still, and a part with all colours of a map that moves; of odd sides in
  /// pixels.
  static func scenes(_ count: Int = 3, metadata: Scene.Metadata = Sample.metadata) -> [Scene] {
    (0..<count).map { step in
      let colors = ColorMap.magma.colors
      let moving = Picture(
        width: 32, height: 32,
        pixels: (0..<1024).flatMap { place -> [UInt8] in
          let color = colors[(place * 7 + step * 40) % colors.count]
          return [color.red, color.green, color.blue]
        })
      return Scene(
        width: 101, height: 59,
        nodes: [
          .image(Sample.image(4), Scene.Rect(x: 2, y: 2, width: 40, height: 40)),
          .image(moving, Scene.Rect(x: 50, y: 2, width: 48, height: 48)),
          .gradient(colors, Scene.Rect(x: 2, y: 52, width: 97, height: 4)),
        ], metadata: metadata, caption: "A picture and a map.")
    }
  }

  static let endings = ["apng", "gif", "mp4"]

  /// Writes an animation in the format of an ending.
  private static func render(_ animation: Animation, to path: String) throws {
    switch URL(fileURLWithPath: path).pathExtension {
    case "apng": try APNGBackend.render(animation, to: path)
    case "gif": try GIFBackend.render(animation, to: path)
    default: try MP4Backend.render(animation, to: path)
    }
  }

  /// What ffprobe says of a film, by its own names.
  private static func facts(_ path: String, entries: [String]) throws -> [String: String] {
    let result = try run(
      "ffprobe",
      ["-v", "error", "-count_frames", "-of", "default=noprint_wrappers=1"]
        + entries.flatMap { ["-show_entries", $0] } + [path])
    #expect(result.status == 0, "ffprobe, of ffmpeg: \(result.output)")
    var facts: [String: String] = [:]
    for line in result.output.split(separator: "\n") {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { facts[String(parts[0])] = String(parts[1]) }
    }
    return facts
  }

  @Test(
    "ffmpeg reads every frame, of even sides, and the time that it is shown", arguments: endings)
  func frames(ending: String) throws {
    let animation = try Animation(Self.scenes(), dpi: 72, delay: 200)
    try withFolder { folder in
      let path = folder.appendingPathComponent("a.\(ending)").path
      try Self.render(animation, to: path)
      let facts = try Self.facts(
        path, entries: ["stream=codec_name,width,height,nb_read_frames,pix_fmt", "format=duration"])
      #expect(facts["width"] == "102" && facts["height"] == "60")
      #expect(facts["codec_name"] == ["apng": "apng", "gif": "gif", "mp4": "h264"][ending])
      // A film repeats a frame 25 times a second; the others say how long they show it.
      #expect(facts["nb_read_frames"] == (ending == "mp4" ? "30" : "3"))
      if ending != "apng" { #expect(facts["duration"].flatMap(Double.init) == 1.2) }
      let read = try run(
        "ffmpeg",
        [
          "-v", "error", "-i", path, "-vsync", "0", "-pix_fmt", "rgb24",
          folder.path + "/%d.png",
        ])
      #expect(read.status == 0 && read.output.isEmpty, "ffmpeg: \(read.output)")
      for index in 0..<3 {
        let number = ending == "mp4" ? index * 5 + 3 : index + 1
        let picture = try Picture.read(folder.path + "/\(number).png")
        let expected = try animation.frame(at: index)
        try #require(picture.width == expected.width && picture.height == expected.height)
        let squares = zip(picture.pixels, expected.pixels).map { pair in
          let difference = Double(pair.0) - Double(pair.1)
          return difference * difference
        }
        let error = (squares.reduce(0, +) / Double(squares.count)).squareRoot()
        // Root mean square, of 255: a palette of 255 colours; sampling of colour in squares of four pixels.
        #expect(error <= ["apng": 0, "gif": 4, "mp4": 12][ending] ?? 0, "frame \(index): \(error)")
      }
    }
  }

  @Test("A viewer without animation shows the first frame of an APNG")
  func still() throws {
    let animation = try Animation(Self.scenes(), dpi: 72)
    let file = try APNGBackend.data(animation)
    #expect(try Picture.decode(file, path: "a") == animation.frame(at: 0))
  }

  @Test(
    "What an APNG says of itself stands before the first frame, and nothing else between frames")
  func order() throws {
    let file = try APNGBackend.data(Animation(Self.scenes(), dpi: 72))
    let types = PNGChunk.chunks(of: file).map(\.type)
    let first = try #require(types.firstIndex(of: "fcTL"))
    #expect(types.first == "IHDR" && types.last == "IEND")
    #expect(Set(types[..<first]).isSuperset(of: ["acTL", "pHYs", "iTXt", "sRGB"]))
    #expect(Set(types[first...]) == ["fcTL", "IDAT", "fdAT", "IEND"])
    #expect(types.count { $0 == "fcTL" } == 3 && types.count { $0 == "acTL" } == 1)
  }

  @Test("A GIF loops for ever, and few colours stay as they are")
  func exactColors() throws {
    let shades = (0..<200).map { Color(red: UInt8($0), green: UInt8(255 - $0), blue: 9) }
    let scenes = [shades, shades.reversed()].map { colors in
      Scene(
        width: 200, height: 4,
        nodes: [
          .image(
            Picture(
              width: 200, height: 1, pixels: colors.flatMap { [$0.red, $0.green, $0.blue] }),
            Scene.Rect(x: 0, y: 0, width: 200, height: 2))
        ], metadata: Sample.metadata)
    }
    let animation = try Animation(scenes, dpi: 72)
    try withFolder { folder in
      let path = folder.appendingPathComponent("a.gif").path
      try GIFBackend.render(animation, to: path)
      let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: path)))
      #expect(bytes.starts(with: Array("GIF89a".utf8)))
      #expect(bytes.firstRange(of: Array("NETSCAPE2.0".utf8) + [3, 1, 0, 0, 0]) != nil)
      let read = try run(
        "ffmpeg",
        ["-v", "error", "-i", path, "-vsync", "0", "-pix_fmt", "rgb24", folder.path + "/%d.png"])
      #expect(read.status == 0, "ffmpeg: \(read.output)")
      for index in 0..<2 {
        #expect(try Picture.read(folder.path + "/\(index + 1).png") == animation.frame(at: index))
      }
    }
  }

  @Test("A frame like the one before takes next to no room in a GIF")
  func stillFrames() throws {
    let scene = Self.scenes(1)[0]
    let one = try GIFBackend.data(Animation([scene], dpi: 72)).count
    let ten = try GIFBackend.data(Animation(Array(repeating: scene, count: 10), dpi: 72)).count
    #expect(ten - one < 9 * 40)
  }

  @Test(
    "A film tells its title and recipe; an anonymous one tells neither", arguments: ["gif", "mp4"])
  func told(ending: String) throws {
    try withFolder { folder in
      let path = folder.appendingPathComponent("a.\(ending)").path
      func text() throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
      }
      try Self.render(Animation(Self.scenes(2), dpi: 36), to: path)
      let facts = try Self.facts(path, entries: ["format_tags"])
      #expect(try text().contains(Sample.metadata.manifest))
      if ending == "mp4" {
        #expect(facts["TAG:title"] == Sample.metadata.title)
        #expect(facts["TAG:comment"] == Sample.metadata.manifest)
      }
      try Self.render(Animation(Self.scenes(2).map(\.anonymous), dpi: 36), to: path)
      for word in ["cat", "Heed", "seeds"] { #expect(try !text().contains(word), "\(word)") }
    }
  }

  @Test("The same bytes again", arguments: endings)
  func sameBytes(ending: String) throws {
    try withFolder { folder in
      let paths = ["a", "b"].map { folder.appendingPathComponent("\($0).\(ending)").path }
      for path in paths { try Self.render(Animation(Self.scenes(), dpi: 72), to: path) }
      let bytes = try paths.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
      #expect(bytes[0] == bytes[1])
    }
  }

  @Test("Nothing is left of a film that cannot be written", arguments: endings)
  func unwritable(ending: String) throws {
    try withFolder { folder in
      let path = folder.appendingPathComponent("none/a.\(ending)").path
      let animation = try Animation(Self.scenes(2), dpi: 36)
      #expect(throws: FileError.self) { try Self.render(animation, to: path) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }

  @Test("No frame, and frames of two sizes, are no animation")
  func refusals() {
    #expect(throws: FigureError.self) { try Animation([]) }
    let other = Scene(width: 9, height: 9, nodes: [], metadata: Sample.metadata)
    #expect(throws: FigureError.self) { try Animation(Self.scenes(1) + [other]) }
  }
}
