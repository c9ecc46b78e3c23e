import Drawing
import Figures
import Foundation
import Pictures
import TestSupport
import Testing

/// Sheets from folders alone, and streams of the commands that make those folders.
@Suite("heed sheet and heed compare")
struct SheetCommandTests {
  private static let prompt = OutputFolderTests.prompt
  private static let root = "runs/a-cat-and-a-frog"
  private static let layouts = [
    "compare", "tokens", "steps", "layers", "heads", "seeds", "methods", "difference", "matrix",
    "curves", "neglect",
  ]
  private static let arguments = ["compare", prompt, "--steps", "3", "--seeds", "0"]

  @Test("A comparison leaves runs and a sheet; results and messages do not mix")
  func compare() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(Self.arguments, in: folder.path)
    #expect(result.status == 0)
    expectPlain(result.stdout)
    expectPlain(result.stderr)
    // Columns are two spaces apart or more, their cells may have single ones.
    let rows = result.stdout.split(separator: "\n").map { line in
      String(line).components(separatedBy: "  ").filter { !$0.isEmpty }
        .map { $0.trimmingCharacters(in: .whitespaces) }
    }
    #expect(
      rows.first
        == [
          "seed", "method", "subject", "first score", "last score", "loss", "tries", "seconds",
        ])
    #expect(
      rows.dropFirst().map { Array($0.prefix(3)) } == [
        ["0", "Stable Diffusion", "cat"], ["0", "Stable Diffusion", "frog"],
        ["0", "Attend-and-Excite", "cat"], ["0", "Attend-and-Excite", "frog"],
      ])
    #expect(folder.bytes(Self.root + "/sheet.pdf").starts(with: Array("%PDF-1.".utf8)))
    #expect(folder.bytes(Self.root + "/sheet.png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
    let again = try HeedProcess.run(Self.arguments + ["--json"], in: folder.path)
    let json = try JSONSerialization.jsonObject(with: Data(again.stdout.utf8))
    let objects = try #require(json as? [[String: Any]])
    #expect(
      objects.compactMap { $0["method"] as? String } == [
        "stable-diffusion", "stable-diffusion", "attend-and-excite", "attend-and-excite",
      ])
    #expect(objects.allSatisfy { $0["firstScore"] is Double && $0["lastScore"] is Double })
    try sheetAgain(folder)
  }

  private func sheetAgain(_ folder: TemporaryFolder) throws {
    let before = folder.bytes(Self.root + "/sheet.pdf")
    let result = try HeedProcess.run(["sheet", "runs", "-o", "again.pdf"], in: folder.path)
    #expect(result.status == 0)
    #expect(result.stdout.isEmpty)
    #expect(folder.bytes("again.pdf") == before)
    #expect(!folder.names.contains("sheet.pdf"))
    expectRefusal(
      try HeedProcess.run(["sheet", "runs", "-o", "b.pdf", "-o", "sheet.bmp"], in: folder.path), 64,
      ["sheet.bmp", ".pdf, .png, .svg, .apng, .gif, .mp4, .json or .tex"])
    #expect(!folder.names.contains("b.pdf"))
    let more = try HeedProcess.run(
      ["sheet", "runs", "-o", "sheet.svg", "-o", "sheet.json"], in: folder.path)
    #expect(more.status == 0)
    #expect(folder.text("sheet.svg").contains(">frog</text>"))
    let scene = try JSONSerialization.jsonObject(with: Data(folder.bytes("sheet.json")))
    #expect(((scene as? [String: Any])?["nodes"] as? [Any])?.isEmpty == false)
    expectRefusal(
      try HeedProcess.run(["sheet", "runs", "-o", "no/such/sheet.pdf"], in: folder.path), 73,
      ["no/such/sheet.pdf"])
    for layout in ["tokens", "steps", "heads", "seeds", "methods"] {
      let drawn = try HeedProcess.run(
        ["sheet", "runs", "--layout", layout, "-o", layout + ".svg", "--for", "icml"],
        in: folder.path)
      #expect(drawn.status == 0, "\(drawn.stderr)")
      #expect(folder.text(layout + ".svg").contains("width=\"486pt\""))
    }
    for (arguments, words) in [
      (["--layout", "pie"], ["--layout", "pie"]),
      (["--width", "2"], ["--width", "2"]), (["--colors", "rainbow"], ["--colors", "viridis"]),
      (["--words", "cat"], ["--words", "compare"]), (["--dpi", "1"], ["--dpi"]),
      (["--layout", "steps", "--steps", "90"], ["step 90"]),
    ] {
      let refused = try HeedProcess.run(
        ["sheet", "runs", "-o", "refused.png"] + arguments, in: folder.path)
      #expect([64, 65, 69].contains(refused.status), "\(arguments)")
      for word in words { #expect(refused.stderr.contains(word), "\(refused.stderr)") }
      #expect(!folder.names.contains("refused.png"))
    }
    try sheetFiles(folder)
    try styles(folder)
    try sameBytes(folder)
    try films(folder)
    try differences(folder)
    try matrix(folder)
    let anonymous = try HeedProcess.run(
      ["sheet", "runs", "--no-metadata", "-o", "a.svg", "-o", "a.png"], in: folder.path)
    #expect(anonymous.status == 0)
    #expect(!folder.text("a.svg").contains("<metadata") && !folder.text("a.svg").contains("<desc"))
    #expect(!String(decoding: folder.bytes("a.png"), as: UTF8.self).contains("heed"))
    let recipe = try HeedProcess.run(
      ["sheet", "runs", "--recipe", "median(head)"], in: folder.path)
    #expect(recipe.status == 64)
    #expect(recipe.stderr.hasPrefix("heed: recipe: "))
  }

  /// A printed layout draws what its name draws; a key or a facet that is none is named.
  private func sheetFiles(_ folder: TemporaryFolder) throws {
    for layout in Self.layouts {
      let printed = try HeedProcess.run(
        ["sheet", "--layout", layout, "--print-layout"], in: folder.path)
      try folder.write("sheet.yaml", printed.stdout.utf8)
      for (name, argument) in [("named.svg", layout), ("file.svg", "sheet.yaml")] {
        let result = try HeedProcess.run(
          ["sheet", "runs", "--layout", argument, "-o", name], in: folder.path)
        #expect(result.status == 0, "\(result.stderr)")
      }
      #expect(folder.bytes("named.svg") == folder.bytes("file.svg"), "\(layout)")
    }
    for (text, words) in [
      ("rowz: [seed]\ncolumns: [word]", ["rowz", "rows"]), ("rows: [seed]", ["columns"]),
      ("rows: [sed]\ncolumns: [word]", [".rows[0]", "seed"]), ("rows: [", ["YAML"]),
      ("rows: [seed]\ncolumns: [word]\nwords: some", [".words", "all"]),
      ("rows: [seed]\ncolumns: [method, word]\nrecipe: median(head)", [".recipe", "median"]),
      ("layout: pie", [".layout", "neglect"]), ("panels: []", [".panels", "panel"]),
      ("panels: [{layout: matrix, overlay: cells}]", [".panels[0]", "overlay"]),
      (
        "panels: [[{layout: curves, measures: [speed]}]]", [".panels[0][0].measures[0]", "entropy"]
      ),
      ("layout: compare\noverlay: glow", [".overlay", "contour"]),
      ("layout: compare\nscale: 1..0", [".scale", "shared"]),
      ("layout: compare\ncolors: rainbow", [".colors", "viridis"]),
      ("layout: neglect\ncases: 0", [".cases"]),
      ("panels: [{layout: matrix}]\nrows: [seed]", ["rows"]),
    ] {
      try folder.write("bad.yaml", text.utf8)
      let result = try HeedProcess.run(
        ["sheet", "runs", "--layout", "bad.yaml", "-o", "bad.svg"], in: folder.path)
      #expect(result.status == 65 && result.stderr.hasPrefix("heed: bad.yaml: "))
      for word in words { #expect(result.stderr.contains(word), "\(result.stderr)") }
      #expect(!folder.names.contains("bad.svg"))
    }
  }

  /// Drawing options say what they do on the sheet; those that a layout does not read are refused.
  private func styles(_ folder: TemporaryFolder) throws {
    for (arguments, words) in [
      ([], ["bicubic interpolation", "as opaque as its value’s share of the shared scale"]),
      (["--overlay", "alpha", "--interpolation", "bilinear"], ["bilinear interpolation"]),
      (["--overlay", "mosaic"], ["no interpolation"]),
      (
        ["--overlay", "dim", "--theme", "dark"],
        ["brightness is multiplied by the value’s share", "#14171C"]
      ),
      (["--overlay", "contour", "--levels", "0.1,0.9"], ["at 10 %, 90 % of the shared scale"]),
      (["--overlay", "jet-compat", "--swap-red-blue"], ["picture’s red and blue exchanged"]),
      (["--scale", "own"], ["its own scale", "each map’s peak"]),
      (["--scale", "0..0.01"], ["above the scale have its last colour"]),
      (["--log"], ["Logarithmic colour scale from"]), (["--font", "serif"], ["Liberation Serif"]),
      (["--for", "aaai"], ["font-size=\"9\"", "Liberation Serif"]),
    ] {
      let drawn = try HeedProcess.run(
        ["sheet", "runs", "-o", "style.svg"] + arguments, in: folder.path)
      #expect(drawn.status == 0, "\(drawn.stderr)")
      let text = folder.text("style.svg").replacing(/<[^>]*>/, with: " ")
        .split(whereSeparator: \.isWhitespace).joined(separator: " ")
      for word in words {
        #expect(text.contains(word) || folder.text("style.svg").contains(word), "\(word)")
      }
    }
    try folder.write("matrix.yaml", "layout: matrix".utf8)
    for (arguments, word) in [
      (["--levels", "0.5"], "--levels"), (["--overlay", "contour", "--levels", "2"], "--levels"),
      (["--swap-red-blue"], "--swap-red-blue"), (["--scale", "big"], "--scale"),
      (["--scale", "1..nan"], "--scale"), (["--type-size", "4"], "--type-size"),
      (["--layout", "difference", "--colors", "viridis"], "--colors"),
      (["--layout", "matrix", "--overlay", "cells"], "--overlay"),
      (["--layout", "curves", "--log"], "--log"), (["--overlay", "glow"], "--overlay"),
      (["--overlay", "dim", "--colors", "viridis"], "--overlay dim"),
      (["--overlay", "jet-compat", "--log"], "--overlay jet-compat"),
      (["--layout", "difference", "--log"], "--log"),
      (["--layout", "tokens", "--knob", "a"], "--knob"),
      (["--layout", "matrix.yaml", "--colors", "viridis", "--measures", "loss"], "--measures"),
    ] {
      expectRefusal(
        try HeedProcess.run(["sheet", "runs", "-o", "refused.svg"] + arguments, in: folder.path),
        64, [word])
      #expect(!folder.names.contains("refused.svg"))
    }
    expectRefusal(
      try HeedProcess.run(
        ["sheet", "runs", "-o", "refused.svg", "--colors", "cividis"], in: folder.path),
      65, ["cividis with alpha", "cells, side, mosaic or contour"])
    #expect(!folder.names.contains("refused.svg"))
    for layout in ["compare", "matrix", "curves"] {
      expectRefusal(
        try HeedProcess.run(
          ["sheet", "runs", "--layout", layout, "-o", "refused.apng"], in: folder.path), 64,
        ["refused.apng", "animation"])
    }
  }

  /// The same bytes in any time zone, locale and folder.
  private func sameBytes(_ folder: TemporaryFolder) throws {
    for layout in Self.layouts {
      let endings = ["pdf", "png", "svg", "json"] + (layout == "seeds" ? ["apng", "gif"] : [])
      for (name, environment, place) in [
        ("one", [:], folder.path),
        ("two", ["TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "HOME": folder.path], "/"),
      ] {
        let outputs = endings.flatMap { ["-o", "\(folder.path)/\(name).\($0)"] }
        let drawn = try HeedProcess.run(
          ["sheet", "\(folder.path)/runs", "--layout", layout, "--dpi", "72", "--for", "icml"]
            + outputs, in: place, environment: environment)
        #expect(drawn.status == 0, "\(drawn.stderr)")
      }
      for ending in endings {
        #expect(
          folder.bytes("one.\(ending)") == folder.bytes("two.\(ending)"), "\(layout) \(ending)")
      }
    }
  }

  /// Moving pictures are small enough for a web page; without an ffmpeg that works, one line says so.
  private func films(_ folder: TemporaryFolder) throws {
    let drawing = ["sheet", "runs", "--layout", "seeds", "-o", "a.svg", "-o", "film.mp4"]
    let drawn = try HeedProcess.run(drawing + ["-o", "film.gif"], in: folder.path)
    #expect(drawn.status == 0, "\(drawn.stderr)")
    for name in ["film.gif", "film.mp4"] {
      #expect(drawn.stderr.contains("heed: sheet, 3 steps → \(name)\n"))
      #expect((1..<1_000_000).contains(folder.bytes(name).count))
    }
    try FileManager.default.removeItem(atPath: folder.path + "/film.mp4")
    try FileManager.default.removeItem(atPath: folder.path + "/a.svg")
    let path = ["PATH": folder.path + "/programs"]
    expectRefusal(
      try HeedProcess.run(drawing, in: folder.path, environment: path), 69,
      ["film.mp4: ", "ffmpeg", "not installed", "apt-get install ffmpeg", ".gif"])
    #expect(!folder.names.contains("a.svg"))
    try FileManager.default.createDirectory(
      atPath: folder.path + "/programs", withIntermediateDirectories: true)
    try folder.write("programs/ffmpeg", "#!/bin/sh\necho No encoder >&2\nexit 1\n".utf8)
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: folder.path + "/programs/ffmpeg")
    expectRefusal(
      try HeedProcess.run(
        ["sheet", "runs", "--layout", "seeds", "-o", "film.mp4"], in: folder.path,
        environment: path), 69, ["film.mp4: ffmpeg fails: No encoder"])
    #expect(!folder.names.contains("film.mp4"))
  }

  /// A sheet of differences has the colours of the differences that heed analyze writes.
  private func differences(_ folder: TemporaryFolder) throws {
    for arguments in [
      ["sheet", "runs", "--layout", "difference", "--overlay", "cells", "-o", "difference.json"],
      ["analyze", "runs", "--report", "difference", "-o", "maps"],
    ] {
      let result = try HeedProcess.run(arguments, in: folder.path)
      #expect(result.status == 0, "\(result.stderr)")
    }
    let maps = ["cat", "frog"].map { word in
      let path = "maps/a-cat-and-a-frog/attend-and-excite/seed-0/\(word).npy"
      return folder.bytes(path).suffix(16 * 16 * 4).withUnsafeBytes { bytes in
        (0..<256).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
      }
    }
    let reach = try #require(maps.joined().map { abs(Double($0)) }.max())
    let text = folder.text("difference.json")
    for map in maps {
      // What was lost and what was gained stand apart.
      for side in [map.map { min(0, $0) }, map.map { max(0, $0) }] {
        let pixels = side.flatMap { value -> [UInt8] in
          let color = ColorMap.difference.color(at: (Double(value) + reach) / (2 * reach))
          return [color.red, color.green, color.blue]
        }
        let picture = Picture(width: 16, height: 16, pixels: pixels)
        #expect(text.contains(picture.digest))
      }
    }
    let alone = try HeedProcess.run(
      ["sheet", "runs/a-cat-and-a-frog/attend-and-excite", "--layout", "difference"],
      in: folder.path)
    #expect(alone.status == 65 && alone.stderr.contains("seed 0 has no run of"))
  }

  /// A matrix has the overlap that heed analyze reports of the same two words.
  private func matrix(_ folder: TemporaryFolder) throws {
    let run = "runs/a-cat-and-a-frog/attend-and-excite"
    let drawn = try HeedProcess.run(
      ["sheet", run, "--layout", "matrix", "--words", "cat,frog", "-o", "matrix.svg"],
      in: folder.path)
    #expect(drawn.status == 0, "\(drawn.stderr)")
    let table = try HeedProcess.run(
      ["analyze", run, "--report", "overlap", "--csv"], in: folder.path)
    let rows = table.stdout.split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let column = try #require(rows.first?.firstIndex(of: "soft_jaccard"))
    let value = try #require(rows.dropFirst().first.flatMap { Double($0[column]) })
    let text = folder.text("matrix.svg")
    #expect(text.components(separatedBy: ">" + String(format: "%.2f", value) + "<").count == 3)
    #expect(text.components(separatedBy: ">1.00<").count >= 3)
    let alone = try HeedProcess.run(
      ["sheet", run, "--layout", "matrix", "--words", "cat"], in: folder.path)
    #expect(alone.status == 65 && alone.stderr.contains("1 word"))
  }

  @Test("What is no run is refused", arguments: ["nosuch", "empty", "file"])
  func noRun(_ path: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("file", "text".utf8)
    try folder.write("empty/note", [])
    expectRefusal(try HeedProcess.run(["sheet", path], in: folder.path), 66, [path, "no run"])
  }

  @Test("A damaged manifest is named", arguments: ["", "{", "[]", "{}", "\u{0}"])
  func damagedManifest(_ text: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("runs/seed-0/run.json", text.utf8)
    expectRefusal(
      try HeedProcess.run(["sheet", "runs"], in: folder.path), 65, ["runs/seed-0/run.json"])
  }

  @Test("A bit that flipped in a chunk is found, and the chunk named")
  func flippedBit() throws {
    let folder = try TemporaryFolder()
    #expect(try HeedProcess.run(Self.arguments, in: folder.path).status == 0)
    let chunk = try #require(
      folder.names.first { $0.contains("attn2/c.") })
    var bytes = folder.bytes(chunk)
    bytes[bytes.count / 2] ^= 1
    try folder.write(chunk, bytes)
    let result = try HeedProcess.run(["sheet", "runs"], in: folder.path)
    expectRefusal(result, 65, [chunk, "CRC-32C"])
    #expect(!folder.names.contains("sheet.pdf"))
  }

  @Test("Runs of two prompts are not put on one sheet: those of one prompt are left out by name")
  func differentPrompts() throws {
    let folder = try TemporaryFolder()
    #expect(try HeedProcess.run(Self.arguments, in: folder.path).status == 0)
    let other = ["compare", "a dog and a frog", "--steps", "3", "--seeds", "0"]
    #expect(try HeedProcess.run(other, in: folder.path).status == 0)
    let result = try HeedProcess.run(["sheet", "runs"], in: folder.path)
    #expect(result.status == 0)
    #expect(
      result.messages.contains {
        $0.contains("left out 2 runs (prompts differ): runs/a-dog-and-a-frog/")
      }, "\(result.stderr)")
  }

  @Test("A recording without what the sheet shows gives the table and a warning")
  func noSheet() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(Self.arguments + ["--phases", "loss"], in: folder.path)
    #expect(result.status == 0)
    #expect(result.stdout.split(separator: "\n").count == 5)
    #expect(result.messages.last?.hasPrefix("heed: warning: no sheet drawn: ") == true)
  }

  @Test("Five subjects have their maps on the sheet, and their lines in the table")
  func manySubjects() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      [
        "compare", "a cat and a frog and a dog and a lion and a car", "--tokens",
        "cat,frog,dog,lion,car", "--steps", "3", "--seeds", "0",
      ], in: folder.path)
    #expect(result.status == 0)
    #expect(result.stdout.split(separator: "\n").count == 11)
    let drawn = try HeedProcess.run(["sheet", "runs", "-o", "five.svg"], in: folder.path)
    #expect(drawn.status == 0, "\(drawn.stderr)")
    for word in ["cat", "frog", "dog", "lion", "car"] {
      #expect(folder.text("five.svg").contains(">\(word)"), "\(word)")
    }
  }

  @Test(
    "On a terminal progress is drawn over itself",
    .enabled(
      if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"),
      "script(1) makes the terminal"))
  func terminal() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      Self.arguments, in: folder.path,
      shell: "exec script --quiet --return --command \"'$1' compare '$3' --steps 3\" terminal")
    #expect(result.status == 0, "\(result.stdout)")
    let drawn = folder.text("terminal")
    // Which run begins first is told by what it may take.
    #expect(drawn.contains(#/\x1B\[J(Stable Diffusion|Attend-and-Excite), seed \d \| step 1 of /#))
    #expect(drawn.contains("steps in"))
  }
}
