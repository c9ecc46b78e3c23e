import AttentionAnalysis
import AttentionTrace
import Foundation
import Pictures
import PromptText
import TensorEngine
import TestSupport
import Testing

@Suite("heed import")
struct ImportCommandTests {
  private static let fixtures = Repository.fixtures + "/import"
  private static let run = "runs/a-cat-frog/imported/seed-0"
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func maps(
    _ file: String, _ axes: String, tokens: String = "tokens.json", _ more: [String] = []
  ) throws -> HeedProcess.Result {
    let files = Self.fixtures
    return try HeedProcess.run(
      ["import", "\(files)/\(file)", "--axes", axes, "--tokens", "\(files)/\(tokens)"] + more,
      in: folder.path)
  }

  private func check() throws {
    let result = try HeedProcess.run(["check", "runs"], in: folder.path)
    #expect(result.status == 0 && result.stdout.hasSuffix(": 0 problems\n"), "\(result.stdout)")
  }

  private func goldens() throws -> [String: [Double]] {
    let data = try Data(contentsOf: URL(fileURLWithPath: Self.fixtures + "/goldens.json"))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: [Double]])
  }

  @Test(
    "Layers by name become a run whose maps are NumPy's, in whatever order the axes stand",
    arguments: [
      ("maps.npz", "step,head,row,column,token", []),
      ("pixels.npz", "head,pixel,token,step", ["--image", fixtures + "/picture.png"]),
      ("pixels.npz", "head, pixel, token, step", ["--grid", "4x6,2x3"]),
    ])
  func layers(_ file: String, _ axes: String, _ more: [String]) throws {
    let result = try maps(file, axes, ["--subjects", "cat,frog"] + more)
    #expect(result.status == 0, "\(result.stderr)")
    #expect(result.stdout == "\(Self.run): 3 steps, 2 layers, 6 tokens\n")
    try check()
    let run = try RecordedRun(folder.path + "/" + Self.run)
    #expect(run.sites.map(\.site.path) == ["down.attn", "mid.attn"])
    #expect(run.sites.map(\.shape) == [[2, 4, 6, 6], [2, 2, 3, 6]])
    #expect(run.manifest.subjects.map(\.tokens) == [[2], [3, 4]])
    #expect(run.manifest.tokens.prompt == "a cat frog")
    for (word, values) in try goldens() {
      let map = try run.map(of: word, by: "mean(layer: down.attn)")
      #expect(map.grid == Grid(rows: 4, columns: 6))
      for (made, expected) in zip(map.values, values) {
        #expect(abs(Double(made) - expected) < 1e-6, "\(word)")
      }
    }
  }

  @Test("Every command reads an imported run")
  func commands() throws {
    let files = Self.fixtures
    for seed in ["1", "2"] {
      let result = try maps(
        "maps.npz", "step,head,row,column,token",
        [
          "--subjects", "cat,frog", "--image", "\(files)/picture.jpg", "--seed", seed, "--method",
          "Their Method", "--timesteps", "900,500,100", "--model", "theirs",
        ])
      #expect(result.status == 0 && result.stderr.isEmpty, "\(result.stderr)")
      #expect(result.stdout.hasPrefix("runs/a-cat-frog/their-method/seed-\(seed): "))
    }
    try check()
    for arguments in [
      ["ls", "runs"], ["analyze", "runs"], ["analyze", "runs", "--report", "statistics"],
      ["analyze", "runs", "--report", "overlap", "--over-seeds"],
      ["analyze", "runs", "--report", "heads"],
      ["analyze", "runs", "--report", "mass", "--by", "step,head"],
      ["sheet", "runs", "--layout", "tokens", "-o", "tokens.png"],
      ["sheet", "runs", "--layout", "steps", "-o", "steps.pdf"],
      ["sheet", "runs", "--layout", "layers", "-o", "layers.svg"],
      ["sheet", "runs", "--layout", "heads", "--words", "cat", "-o", "heads.png"],
      ["sheet", "runs", "--layout", "matrix", "-o", "matrix.png"],
      ["sheet", "runs", "--layout", "curves", "-o", "curves.png"],
      ["report", "runs", "-o", "report.html"], ["export", "runs", "-o", "maps.npz"],
    ] {
      let result = try HeedProcess.run(arguments, in: folder.path)
      #expect(result.status == 0, "\(arguments): \(result.stderr)")
    }
    #expect(folder.text("report.html").contains("Their Method"))
    let again = try maps(
      "maps.npz", "step,head,row,column,token",
      [
        "--subjects", "cat,frog", "--image", "\(files)/picture.jpg", "--seed", "1", "--method",
        "Their Method", "--timesteps", "900,500,100", "--model", "theirs",
      ])
    #expect(again.status == 0 && again.stdout.hasSuffix("(was there)\n"), "\(again.stderr)")
    let repeated = try HeedProcess.run(
      ["causal", "runs/a-cat-frog/their-method/seed-1", "--drop", "cat"], in: folder.path)
    #expect(repeated.status == 65 && repeated.stderr.contains("heed import"), "\(repeated.stderr)")
  }

  @Test("What was exported and what was imported are the same numbers")
  func roundTrip() throws {
    _ = try maps("maps.npz", "step,head,row,column,token")
    let result = try HeedProcess.run(
      ["export", "runs", "-o", "out.npz"], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    let (theirs, ours) = (
      try StoredArray.contents(of: Self.fixtures + "/maps.npz").arrays,
      try StoredArray.contents(of: folder.path + "/out.npz").arrays
    )
    for array in theirs {
      let same = try #require(ours.first { $0.name == array.name })
      #expect(same.shape == array.shape)
      #expect(
        same.values(from: 0, extents: same.shape, strides: same.strides)
          == array.values(from: 0, extents: array.shape, strides: array.strides))
    }
  }

  @Test("An axis of layers has names, its own or those given, and halves stay halves")
  func stacked() throws {
    let axes = "step,layer,head,row,column,token"
    var result = try maps("stacked.safetensors", axes, ["--seed", "3"])
    #expect(result.status == 0, "\(result.stderr)")
    let run = try RecordedRun(folder.path + "/runs/a-cat-frog/imported/seed-3")
    #expect(run.sites.map(\.site.path) == ["layer_0", "layer_1"])
    #expect(run.precision == .float16)
    result = try maps("stacked.safetensors", axes, ["--layers", "early,late", "-o", "named"])
    #expect(result.status == 0, "\(result.stderr)")
    let named = try RecordedRun(folder.path + "/named/a-cat-frog/imported/seed-0")
    #expect(named.sites.map(\.site.path) == ["early", "late"])
    #expect(try named.maps("late", call: 2)?.values == run.maps("layer_1", call: 2)?.values)
  }

  @Test("Rows that do not sum to 1 are kept, and it is said, here and in run.json")
  func sums() throws {
    let result = try maps("last.npy", "row,column,token", tokens: "words.json")
    #expect(result.status == 0, "\(result.stderr)")
    #expect(result.stderr.contains("not to 1") && result.stderr.contains("no subjects"))
    let run = try RecordedRun(folder.path + "/" + result.stdout.prefix { $0 != ":" })
    #expect(run.manifest.method.rowsSumToOne == false)
    #expect(run.manifest.tokens.prompt == "A cat, frog")
    #expect(run.manifest.tokens.words.map(\.text) == ["a", "cat", "frog"])
    #expect(run.manifest.tokens.words.map(\.range) == [0..<1, 2..<5, 7..<11])
    #expect(run.sites.map(\.site.path) == ["layer_0"])
    try check()
  }

  @Test("Frames of a video are an axis of sheets, tables, report and export")
  func video() throws {
    let result = try maps("video.npy", "step,head,frame,row,column,token", ["--subjects", "cat"])
    #expect(result.status == 0, "\(result.stderr)")
    try check()
    let run = try RecordedRun(folder.path + "/" + Self.run)
    #expect(run.frames == 3)
    let maps = try (0..<2).map { try #require(try run.maps("layer_0", call: $0)) }
    func mean(_ frames: [Int], _ cell: Int) -> Double {
      var sum = 0.0
      for map in maps {
        for head in 0..<2 {
          for frame in frames {
            sum += Double(map.values[((head * 3 + frame) * 24 + cell) * 6 + 2])
          }
        }
      }
      return sum / Double(4 * frames.count)
    }
    for (recipe, frames) in [
      ("mean(layer: *)", [0, 1, 2]), ("mean(frame: 1) mean(layer: *)", [1]),
      ("mean(layer: *) mean(frame: 0,2)", [0, 2]),
    ] {
      let map = try run.map(of: "cat", by: recipe)
      for cell in 0..<24 { #expect(abs(Double(map.values[cell]) - mean(frames, cell)) < 1e-6) }
    }
    #expect(
      try run.map(of: "cat", by: "mean(layer: *)").recipe.description.hasPrefix("mean(frame) "))
    let table = try HeedProcess.run(
      ["analyze", "runs", "--report", "statistics", "--by", "frame", "--json"], in: folder.path)
    let document =
      try JSONSerialization.jsonObject(with: Data(table.stdout.utf8)) as? [String: Any]
    let rows = try #require(document?["rows"] as? [[String: Any]])
    #expect(rows.compactMap { $0["frame"] as? Int } == [0, 1, 2])
    for (frame, row) in rows.enumerated() {
      let mass = (0..<24).reduce(0.0) { $0 + mean([frame], $1) }
      #expect(abs((row["mass"] as? Double ?? .nan) - mass) < 1e-5)
    }
    for arguments in [
      ["sheet", "runs", "--layout", "frames", "-o", "frames.png"],
      ["sheet", "runs", "--layout", "frames", "--frames", "0,2", "-o", "two.svg"],
      ["report", "runs", "-o", "report.html"], ["export", "runs", "-o", "out.npz"],
    ] {
      let result = try HeedProcess.run(arguments, in: folder.path)
      #expect(result.status == 0, "\(arguments): \(result.stderr)")
    }
    let array = try #require(
      StoredArray.contents(of: folder.path + "/out.npz").arrays.first { $0.name == "layer_0" })
    #expect(array.shape == [2, 2, 3, 4, 6, 6])
    let beyond = try HeedProcess.run(
      ["sheet", "runs", "--layout", "frames", "--frames", "3", "-o", "x.png"], in: folder.path)
    expectRefusal(beyond, 69, ["frame 3", "frames 0..2"])
  }

  @Test("A run of a picture says that it has no frames")
  func noFrames() throws {
    _ = try maps("maps.npz", "step,head,row,column,token", ["--subjects", "cat"])
    for arguments in [
      ["sheet", "runs", "--layout", "frames", "-o", "x.png"],
      ["analyze", "runs", "--report", "statistics", "--by", "frame"],
      ["analyze", "runs", "--report", "statistics", "--recipe", "mean(frame) mean(layer: *)"],
    ] {
      let result = try HeedProcess.run(arguments, in: folder.path)
      expectRefusal(result, 69, ["frames", "a picture, which has no frames"])
    }
  }

  @Test(
    "What does not fit is refused in a line that says what was expected, and nothing is written",
    arguments: [
      (
        "maps.npz", "step,head,row,column", "tokens.json", [], 64,
        ["'down.attn' has 5 axes", "names 4"]
      ),
      (
        "maps.npz", "step,head,row,column,word", "tokens.json", [], 64,
        ["'word' is no axis", "token"]
      ),
      ("maps.npz", "step,step,row,column,token", "tokens.json", [], 64, ["step is given twice"]),
      (
        "pixels.npz", "head,pixel,row,token", "tokens.json", [], 64,
        ["either pixel, or row and column"]
      ),
      ("pixels.npz", "head,pixel,token,step", "tokens.json", [], 64, ["24 pixels", "--grid"]),
      (
        "pixels.npz", "head,pixel,token,step", "tokens.json", ["--grid", "\(Int.max)x\(Int.max)"],
        64,
        ["--grid", "expected rows and columns"]
      ),
      (
        "pixels.npz", "head,pixel,token,step", "tokens.json", ["--grid", "1x1048577"], 64,
        ["--grid", "expected rows and columns"]
      ),
      ("maps.npz", "step,layer,row,column,token", "tokens.json", [], 64, ["2 arrays", "--arrays"]),
      ("maps.npz", "step,_,row,column,token", "tokens.json", [], 64, ["2 places", "_ stands for"]),
      ("maps.npz", "step,head,row,column,token", "seven.json", [], 64, ["6 tokens", "lists 7"]),
      (
        "maps.npz", "step,head,row,column,token", "tokens.json", ["--arrays", "up"], 64,
        ["no array 'up'", "down.attn, mid.attn"]
      ),
      (
        "maps.npz", "step,head,row,column,token", "tokens.json", ["--layers", "one"], 64,
        ["1 names", "2 layers"]
      ),
      (
        "maps.npz", "step,head,row,column,token", "tokens.json", ["--timesteps", "1,2"], 64,
        ["3 steps", "2 timesteps"]
      ),
      (
        "maps.npz", "step,head,row,column,token", "tokens.json", ["--prompt", "a dog"], 65,
        ["tokens.json", "[2]", "has no \"cat\""]
      ),
      (
        "maps.npz", "step,head,row,column,token", "tokens.json", ["--subjects", "dog"], 64, ["dog"]
      ),
      ("nan.npy", "row,column,token", "tokens.json", [], 65, ["row 1, column 2, token 3 is nan"]),
      (
        "less.npy", "row,column,token", "tokens.json", [], 65, ["row 1, column 2, token 3 is -0.25"]
      ),
      ("tokens.json", "row,column,token", "tokens.json", [], 65, ["expected a .npy"]),
      ("none.npz", "row,column,token", "tokens.json", [], 66, ["none.npz"]),
      (
        "maps.npz", "step,head,row,column,token", "goldens.json", [], 65,
        ["goldens.json", "tokens"]
      ),
    ] as [(String, String, String, [String], Int32, [String])])
  func refusals(
    _ file: String, _ axes: String, _ tokens: String, _ more: [String], _ code: Int32,
    _ words: [String]
  ) throws {
    let result = try maps(file, axes, tokens: tokens, more)
    expectRefusal(
      result, code, words, showsTokens: result.messages.count > 1)
    #expect(folder.names.isEmpty)
  }

  /// Maps of two layers under names of one's own, `[head, row, column, token]`, whose rows sum to 1.
  private func write(_ file: String, layers: [String], value: Float = 0.25) throws {
    let row = [value, 0.5 - value, 0.25, 0.25]
    let maps = [Float](repeating: 0, count: 2 * 2 * 2).flatMap { _ in row }
    try StoredZip.write(
      layers.map { layer in
        StoredZip.Member(name: layer + ".npy") { sink in
          try NumpyFile.header(description: "<f4", shape: [2, 2, 2, 4]).withUnsafeBytes(sink)
          try maps.withUnsafeBytes(sink)
        }
      }, to: folder.path + "/" + file)
  }

  private func imported(_ file: String, _ more: [String] = []) throws -> HeedProcess.Result {
    try folder.write("four.json", #"["<s>", "a", "cat", "</s>"]"#.utf8)
    return try HeedProcess.run(
      ["import", file, "--axes", "head,row,column,token", "--tokens", "four.json"] + more,
      in: folder.path)
  }

  @Test(
    "Another file, picture or layer in the place of an imported one is another run, and refused")
  func another() throws {
    let pictures = ["picture.png", "picture.jpg"].map { "\(Self.fixtures)/\($0)" }
    try write("a.npz", layers: ["x", "y"])
    try write("b.npz", layers: ["x", "y"], value: 0.125)
    try write("c.npz", layers: ["x", "z"])
    let first = try imported("a.npz", ["--image", pictures[0]])
    #expect(first.status == 0, "\(first.stderr)")
    let run = "runs/a-cat/imported/seed-0"
    let bytes = folder.bytes(run + "/attention.zarr/x/c.0.0.0.0.0")
    for (file, more, field) in [
      ("b.npz", ["--image", pictures[0]], "imported.maps"),
      ("c.npz", ["--image", pictures[0]], "imported.maps"),
      ("a.npz", ["--image", pictures[0], "--layers", "x,z"], "imported.maps"),
      ("a.npz", ["--image", pictures[0], "--arrays", "x"], "imported.maps"),
      ("a.npz", ["--image", pictures[1]], "imported.picture"),
    ] {
      expectRefusal(try imported(file, more), 73, ["another run", field])
    }
    expectRefusal(try imported("a.npz"), 73, ["another run"])
    #expect(folder.bytes(run + "/attention.zarr/x/c.0.0.0.0.0") == bytes)
    // The same numbers are the same run, whatever their file is called.
    try FileManager.default.moveItem(
      atPath: folder.path + "/a.npz", toPath: folder.path + "/d.npz")
    let again = try imported("d.npz", ["--image", pictures[0]])
    #expect(again.status == 0 && again.stdout.hasSuffix("(was there)\n"), "\(again.stderr)")
    // Runs of one method that were imported from different files are compared as its seeds.
    let other = try imported("b.npz", ["--seed", "1", "--image", pictures[0]])
    #expect(other.status == 0, "\(other.stderr)")
    let seeds = try HeedProcess.run(
      ["analyze", "runs", "--report", "statistics", "--tokens", "cat", "--over-seeds"],
      in: folder.path)
    #expect(seeds.status == 0, "\(seeds.stderr)")
  }

  @Test(
    "A layer whose name stands for something else in stores and exports gets another, and it is said",
    arguments: [
      ["call", "token"], ["step", "head"], ["zarr.json", "timestep"], ["loss", "phase"],
      ["branch", "attempt"], ["head_2", "token_4"], ["x", "x.queries"], ["row_2", "key"],
      ["word", "piece"], ["position", "run"], ["frame", "word_unconditional"], ["..", ".queries"],
    ])
  func taken(_ layers: [String]) throws {
    try write("maps.npz", layers: layers)
    let result = try imported("maps.npz", ["--subjects", "cat"])
    #expect(result.status == 0, "\(result.stderr)")
    let changed = layers.count { $0 != "x" }
    #expect(result.messages.count { $0.contains("is called") } == changed, "\(result.stderr)")
    try check()
    let run = try RecordedRun(folder.path + "/runs/a-cat/imported/seed-0")
    #expect(run.sites.count == 2)
    for arguments in [
      ["analyze", "runs", "--report", "words"], ["export", "runs", "-o", "out"],
      ["export", "runs", "-o", "out.zarr"], ["sheet", "runs", "--layout", "layers", "-o", "x.png"],
    ] {
      let result = try HeedProcess.run(arguments, in: folder.path)
      #expect(result.status == 0, "\(arguments): \(result.stderr)")
    }
    let verified = try HeedProcess.run(["verify-export", "out"], in: folder.path)
    #expect(verified.status == 0, "\(verified.stdout)")
  }

  @Test("An id below 0 is refused at its place, and nothing is written")
  func negativeId() throws {
    try write("maps.npz", layers: ["x"])
    try folder.write("ids.json", #"["<s>", {"piece": "a", "id": -5}, "cat", "</s>"]"#.utf8)
    let result = try HeedProcess.run(
      ["import", "maps.npz", "--axes", "head,row,column,token", "--tokens", "ids.json"],
      in: folder.path)
    expectRefusal(result, 65, ["ids.json", "[1].id", "expected 0 or more, got -5"])
    #expect(folder.names == ["ids.json", "maps.npz"])
  }

  @Test(
    "A run that could not be read back is not left",
    arguments: [(1 << 20) + 1])
  func unreadable(_ rows: Int) throws {
    try NumpyFile.write(
      Tensor.full(1, shape: [rows, 1, 1]), to: folder.path + "/long.npy")
    try folder.write("one.json", #"["cat"]"#.utf8)
    let result = try HeedProcess.run(
      ["import", "long.npy", "--axes", "row,column,token", "--tokens", "one.json"],
      in: folder.path)
    expectRefusal(result, 65, ["layer_0"])
    #expect(folder.names == ["long.npy", "one.json"])
  }

  @Test("A picture stands upright in the run, and ends where it ends", arguments: [1, 3, 6, 8])
  func orientation(_ tag: UInt8) throws {
    try write("maps.npz", layers: ["x"])
    let plain = try PictureFile("\(Self.fixtures)/picture.png", transparency: .overWhite)
    let tiff: [UInt8] =
      Array("MM".utf8) + [0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, tag, 0, 0]
      + [0, 0, 0, 0]
    let file =
      Array(plain.bytes.prefix(PNGChunk.endOfHeader)) + PNGChunk.chunk("eXIf", tiff)
      + Array(plain.bytes.dropFirst(PNGChunk.endOfHeader)) + Array("more".utf8)
    try folder.write("turned.png", file)
    let turned = try PictureFile(folder.path + "/turned.png", transparency: .overWhite).picture
    let isTurned = tag > 4
    #expect((turned.width == plain.picture.height) == isTurned)
    let result = try imported("maps.npz", ["--image", "turned.png"])
    #expect(result.status == 0, "\(result.stderr)")
    try check()
    let path = folder.path + "/runs/a-cat/imported/seed-0"
    #expect(try Picture.read(path + "/image.png") == turned)
    let manifest = try RecordedRun(path).manifest
    #expect(manifest.width == turned.width && manifest.height == turned.height)
  }

  @Test(
    "Words follow from spellings as tokenizers have them",
    arguments: [
      (#"["<s>", "▁A", "▁por", "cup", "ine", ".", "</s>", "<pad>"]"#, ["a", "porcupine", "."]),
      (#"["a", "Ġred", "Ġcar", ",", "Ġtwo"]"#, ["a", "red", "car", ",", "two"]),
      (#"["a", "cat", "<end>", "<padding>"]"#, ["a", "cat"]),
      // Characters that stand for bytes: GPT-2's `bytes_to_unicode`, T5's byte fallback.
      (#"["a</w>", "caf", "Ã©</w>", "<|endoftext|>"]"#, ["a", "café"]),
      (#"["two</w>", "cafÃ", "©s</w>", "âĢĻ</w>", "no</w>"]"#, ["two", "cafés", "’", "no"]),
      (#"["Ã", "ī", "cole", "ĠÃ¼ber", "Ċ", "Ġnet"]"#, ["école", "über", "net"]),
      (#"["ä½ł", "å¥½", "Ġworld"]"#, ["你好", "world"]),
      (#"["ðŁ", "ĺº</w>", "cat</w>"]"#, ["😺", "cat"]),
      (#"["▁caf", "<0xC3>", "<0xA9>", "▁au", "<0x21>"]"#, ["café", "au", "!"]),
      // A program that wrote the text itself.
      (#"["a</w>", "café</w>", "größe</w>"]"#, ["a", "café", "größe"]),
      (
        #"[{"piece": "Ã", "word": "é"}, {"piece": "©</w>", "word": "é"}, "cat</w>"]"#, ["é", "cat"]
      ),
      (
        #"[{"piece": "fr", "word": "frog"}, "og</w>", "red</w>", "cat</w>"]"#,
        ["frog", "red", "cat"]
      ),
      (
        #"[{"piece": "x", "word": "tom"}, {"piece": "tom", "word": "tom"}, {"piece": "tom", "word": "tom"}]"#,
        ["tom", "tom"]
      ),
      (
        #"{"prompt": "The Cat", "tokens": [{"piece": "say", "special": "template"}, "the", "cat"]}"#,
        ["the", "cat"]
      ),
    ])
  func words(_ json: String, _ words: [String]) throws {
    try folder.write("tokens.json", json.utf8)
    let document = try JSONSerialization.jsonObject(with: Data(json.utf8))
    let list = (document as? [String: Any])?["tokens"] as? [Any] ?? document as? [Any] ?? []
    let count = list.count
    let values = [Float](repeating: 1 / Float(count), count: 4 * count)
    try NumpyFile.write(Tensor(values, shape: [2, 2, count]), to: folder.path + "/maps.npy")
    let result = try HeedProcess.run(
      ["import", "maps.npy", "--axes", "row,column,token", "--tokens", "tokens.json"],
      in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    let run = try RecordedRun(folder.path + "/" + result.stdout.prefix { $0 != ":" })
    #expect(run.manifest.tokens.words.map(\.text) == words)
    try check()
  }
}
