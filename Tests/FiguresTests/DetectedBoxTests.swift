import AttentionAnalysis
import AttentionTrace
import Drawing
import Figures
import Foundation
import RecordingProbe
import Testing

/// A detector's boxes on sheets and in the report.
@Suite("A detector's boxes")
struct DetectedBoxTests {
  private static let detector = "A detector, threshold 0.5"

  private func runs(_ methods: [String], seeds: [Int] = [3], in folder: URL) throws -> [RecordedRun]
  {
    try methods.flatMap { method in
      try seeds.map { seed in
        let path = folder.appendingPathComponent("\(method)-\(seed)")
        _ = try recordSynthetic(path, method, seed: seed, [:])
        // Low scores, so that every run is a case of neglect.
        return try measure(path, [[0.2, 0.1], [0.2, 0.1], [0.2, 0.1]])
      }
    }
  }

  /// The cat is found, the frog is not; the frog's box stands over the edge.
  private func detections(of runs: [RecordedRun]) -> RunDetections {
    var detections = RunDetections(detector: Self.detector)
    for run in runs {
      detections.add(
        .seen([
          SubjectDetection(subject: "cat", score: 0.914, box: [0.1, 0.2, 0.6, 0.7], isFound: true),
          SubjectDetection(
            subject: "frog", score: 0.126, box: [0.05, 0.2, 1.2, 0.9], isFound: false),
        ]), of: run)
    }
    return detections
  }

  private static let shown: [(layout: SheetLayout, methods: [String])] = [
    (.compare, ["stable-diffusion", "attend-and-excite"]), (.compare, ["explain"]),
    (.methods, ["stable-diffusion", "attend-and-excite"]), (.seeds, ["stable-diffusion"]),
    (.tokens, ["stable-diffusion"]), (.neglect, ["stable-diffusion", "attend-and-excite"]),
  ]

  @Test(
    "Every layout with pictures shows each box with word and score, dashed where it is not found",
    arguments: shown.indices, [495.0, 240.0])
  func layouts(_ index: Int, _ width: Double) throws {
    let (layout, methods) = Self.shown[index]
    try withFolder { folder in
      let runs = try runs(methods, in: folder)
      var sheet = Sheet(layout, of: runs, style: SheetStyle(width: width), software: "test")
      let without = try sheet.scene()
      sheet.detections = detections(of: runs)
      let scene = try sheet.scene()
      let pictures = scene.boxed.filter { !$0.path.contains { $0.hasPrefix("map ") } }
      #expect(!pictures.isEmpty)
      #expect(without.boxed.isEmpty)
      for word in ["cat", "frog"] {
        let own = scene.boxed.filter { $0.path.last == "box \(word)" }
        #expect(
          own.count >= runs.count * 2 || layout == .tokens || methods == ["explain"], "\(own.count)"
        )
        for box in own {
          #expect(box.strokes.count == 2 && box.strokes[0].color == .white)
          #expect(box.strokes[0].width > box.strokes[1].width)
          #expect(box.strokes[1].dash.isEmpty == (word == "cat"))
        }
      }
      // Words have colours of their own.
      let colors = ["cat", "frog"].map { word in
        Set(scene.boxed.filter { $0.path.last == "box \(word)" }.map(\.strokes[1].color))
      }
      #expect(colors.allSatisfy { $0.count == 1 } && colors[0] != colors[1])
      let text = scene.texts.map(\.string).joined(separator: " ")
      #expect(text.contains("0.91") && text.contains("0.13"))
      // Where the picture is large enough, words stand beside their scores.
      if layout == .compare { #expect(text.contains("cat 0.91") && text.contains("frog 0.13")) }
      #expect(text.contains("sees each word best") && text.contains("dashed: not found"))
      #expect(!without.texts.contains { $0.string.contains("sees each word") })
    }
  }

  @Test("Labels lie within their picture, and none over another", arguments: [495.0, 240.0, 160.0])
  func labels(_ width: Double) throws {
    try withFolder { folder in
      let runs = try runs(["stable-diffusion"], seeds: [1, 2, 3, 4], in: folder)
      var all = RunDetections(detector: Self.detector)
      for (place, run) in runs.enumerated() {
        // The same box twice, at every corner, and one without an area.
        let box = [[0, 0, 0.2, 0.2], [0.8, 0.8, 1, 1], [0.9, 0, 1, 0.1], [0.5, 1, 0.5, 1.4]][place]
        all.add(
          .seen(
            ["cat", "frog"].map {
              SubjectDetection(subject: $0, score: 1, box: box, isFound: true)
            }), of: run)
      }
      var sheet = Sheet(.seeds, of: runs, style: SheetStyle(width: width), software: "test")
      sheet.detections = all
      let scene = try sheet.scene()
      let plates = scene.plates.filter { !$0.path.contains { $0.hasPrefix("map ") } }
      #expect(plates.count >= 8)
      for (place, plate) in plates.enumerated() {
        #expect(plate.rect.width <= plate.picture.width + 1e-6)
        #expect(plate.rect.x >= plate.picture.x - 1e-6)
        #expect(plate.rect.maxX <= plate.picture.maxX + 1e-6)
        #expect(plate.rect.y >= plate.picture.y - 1e-6)
        #expect(plate.rect.maxY <= plate.picture.maxY + 1e-6)
        for other in plates[(place + 1)...] {
          let isApart =
            plate.rect.maxX <= other.rect.x + 1e-6 || other.rect.maxX <= plate.rect.x + 1e-6
            || plate.rect.maxY <= other.rect.y + 1e-6 || other.rect.maxY <= plate.rect.y + 1e-6
          #expect(isApart, "\(plate.path) \(other.path)")
        }
      }
    }
  }

  @Test("A run without a finding has no box, and no note tells of any")
  func none() throws {
    try withFolder { folder in
      let runs = try runs(["stable-diffusion"], in: folder)
      for finding in [RunDetections.Finding.notScored, .noPicture, .noSubjects, .seen([])] {
        var detections = RunDetections(detector: Self.detector)
        detections.add(finding, of: runs[0])
        var sheet = Sheet(.seeds, of: runs, software: "test")
        let plain = try sheet.scene()
        sheet.detections = detections
        let scene = try sheet.scene()
        #expect(scene.boxed.isEmpty && scene.texts.map(\.string) == plain.texts.map(\.string))
      }
    }
  }

  @Test("The report shows boxes in the contact sheet and tells its script of them")
  func report() throws {
    try withFolder { folder in
      let runs = try runs(["stable-diffusion", "attend-and-excite"], in: folder)
      func page(_ detections: RunDetections?) throws -> String {
        String(
          decoding: try AttentionReport(runs: runs, detections: detections, software: "test").html,
          as: UTF8.self)
      }
      let (plain, boxed) = (try page(nil), try page(detections(of: runs)))
      #expect(!plain.contains("<svg class=\"boxes\"") && !plain.contains("\"boxes\":"))
      #expect(boxed.components(separatedBy: "<svg class=\"boxes\"").count == 3)
      #expect(boxed.components(separatedBy: "<bdi>cat</bdi> 0.91").count == 3)
      #expect(boxed.components(separatedBy: "<bdi>frog</bdi> 0.13, not found").count == 3)
      #expect(boxed.contains("class=\"missing\" stroke="))
      #expect(boxed.contains(Self.detector))
      #expect(boxed.contains("\"isFound\":false,\"score\":\"0.13\",\"word\":\"frog\""))
    }
  }
}

extension Scene {
  /// A shape of a box, or a plate, and where it is.
  fileprivate struct Boxed {
    var path: [String]
    var rects: [Rect] = []
    var strokes: [Stroke] = []
    var picture = Rect(x: 0, y: 0, width: 0, height: 0)
    var rect: Rect { rects[0] }
  }

  /// The boxes.
  fileprivate var boxed: [Boxed] { found { $0.hasPrefix("box ") } }

  /// The plates that scores stand on, with the pictures that they lie on.
  fileprivate var plates: [Boxed] { found { $0.hasPrefix("score ") } }

  private func found(_ isWanted: (String) -> Bool) -> [Boxed] {
    var result: [Boxed] = []
    func visit(_ nodes: [Node], _ path: [String], _ picture: Rect) {
      var picture = picture
      for node in nodes {
        switch node {
        case .image(_, let frame): picture = frame
        case .group(let name, let inner):
          guard isWanted(name) else {
            visit(inner, path + [name], picture)
            continue
          }
          var box = Boxed(path: path + [name], picture: picture)
          for case .rectangle(let rect, _, let stroke) in inner {
            box.rects.append(rect)
            box.strokes += [stroke].compactMap(\.self)
          }
          result.append(box)
        default: break
        }
      }
    }
    visit(nodes, [], Rect(x: 0, y: 0, width: 0, height: 0))
    return result
  }
}
