import AttentionAnalysis
import AttentionTrace
internal import Drawing
import Pictures
import PromptText

/// The part of a report that is there without a script: an index of prompts, a contact sheet of pictures
/// and the subjects' maps on one scale for each prompt, and the verdicts.
struct ReportSheet {
  /// The longer side of a thumbnail, in pixels.
  static let side = 96

  private let groups: [ReportGroup]
  private let pictures: [[ReportPicture]]
  private let verdicts: [ReportVerdict]
  /// Of each group's runs the maps of the subjects; `nil` where the loss's grid was not recorded.
  private let maps: [[[SubjectMap]?]]

  init(
    _ groups: [ReportGroup], pictures: [[ReportPicture]], verdicts: [ReportVerdict]
  ) throws {
    (self.groups, self.pictures) = (groups, pictures)
    self.verdicts = ReportVerdict.ranked(verdicts)
    maps = try groups.map { try $0.recordings.map(Self.subjectMaps) }
  }

  // MARK: - Index

  /// The worst case in a line, and the prompts, or groups of runs of one prompt, where there are several.
  var index: String {
    let prompts = groups.indices.map { group in
      let runs = groups[group].recordings.count
      return "<li><a href=\"#prompt-\(group + 1)\"><bdi>\(MarkupText.escaped(title(of: group)))"
        + "</bdi></a> – \(runs) \(runs == 1 ? "run" : "runs")"
        + (worst(of: group).map { "; lowest score: \(word($0)), \(scoreText($0))" } ?? "") + "</li>"
    }
    let list =
      groups.count < 2
      ? ""
      : "<nav aria-labelledby=\"index-title\"><h2 id=\"index-title\">"
        + (hasSeveralPrompts ? "Prompts" : "Runs by model and size") + "</h2><ol>"
        + prompts.joined() + "</ol></nav>"
    guard let worst = verdicts.first, !worst.score.isNaN else { return list }
    let prompt =
      !hasSeveralPrompts
      ? "" : " of <q><bdi>\(MarkupText.escaped(self.prompt(of: worst)))</bdi></q>"
    return "<p id=\"worst\">Lowest score: <a href=\"\(link(to: worst))\">\(word(worst)) in "
      + "\(name(of: worst))\(prompt)</a>, \(scoreText(worst)).</p>" + list
  }

  private var hasSeveralPrompts: Bool { Set(groups.map(\.prompt)).count > 1 }

  /// The prompt of a group, with its model where another group has the prompt too.
  private func title(of group: Int) -> String {
    let (prompt, model) = (groups[group].prompt, groups[group].manifest.model.name)
    return groups.count { $0.prompt == prompt } > 1 ? "\(prompt) (\(model))" : prompt
  }

  private func worst(of group: Int) -> ReportVerdict? {
    verdicts.first { firstRun(of: group)..<firstRun(of: group + 1) ~= $0.run }
  }

  private func scoreText(_ verdict: ReportVerdict) -> String {
    "\(verdict.shape) \(verdict.verdict.words), excitation score "
      + NumberText.value(verdict.score)
  }

  // MARK: - Verdicts

  var verdictList: String {
    guard !verdicts.isEmpty else { return "" }
    let rows = verdicts.map { verdict in
      let prompt =
        !hasSeveralPrompts
        ? "" : "<span><bdi>\(MarkupText.escaped(self.prompt(of: verdict)))</bdi></span>"
      return "<li><a href=\"\(link(to: verdict))\"><strong>\(word(verdict))</strong>"
        + "<span><span class=\"shape\" aria-hidden=\"true\">\(verdict.shape)</span> "
        + "\(verdict.verdict.words) <span class=\"number\">\(NumberText.value(verdict.score))</span></span>"
        + "<span><bdi>\(name(of: verdict))</bdi></span>\(prompt)"
        + "<span class=\"reason\"><bdi>\(MarkupText.escaped(verdict.reason))</bdi></span></a></li>"
    }
    let notes = ExcitationScores.notes(verdicts.compactMap(\.scoreRecipe)).map {
      "<p class=\"help\"><bdi>\(MarkupText.escaped($0))</bdi></p>"
    }
    return "<section aria-labelledby=\"verdicts-title\"><h2 id=\"verdicts-title\">Verdict on each "
      + "subject, the lowest excitation score first</h2>\(notes.joined())<ol class=\"verdicts\">\n"
      + rows.joined(separator: "\n") + "</ol></section>"
  }

  // MARK: - Contact sheet

  /// The contact sheet of all runs.
  var runs: String {
    get throws {
      "<section id=\"sheet\" aria-labelledby=\"sheet-title\"><h2 id=\"sheet-title\">All runs</h2>"
        + "<p class=\"help\">Each picture, and over it in grey the attention to each subject: the mean "
        + "over heads, the loss’s layers and all steps, as opaque as its value. Follow a picture or a "
        + "map to that run below.\(previewNote)\(boxNote)</p>"
        + (try groups.indices.map(section).joined(separator: "\n")) + "</section>"
    }
  }

  /// What the boxes in pictures are; empty where there are none.
  private var boxNote: String {
    let note = PictureBox.note(pictures.joined().flatMap(\.boxes))
    return note.isEmpty ? "" : " <bdi>\(MarkupText.escaped(note))</bdi>"
  }

  private func section(_ group: Int) throws -> String {
    let scale = ValueScale(covering: maps[group].flatMap { $0 ?? [] }.map(\.map))
    let heading =
      groups.count < 2
      ? "" : "<h3><bdi>\(MarkupText.escaped(title(of: group)))</bdi></h3>"
    let cells = try groups[group].recordings.indices.map { try cell(group, $0, scale) }
    return "<section id=\"prompt-\(group + 1)\" class=\"prompt\">\(heading)"
      + (try colorBar(group, scale)) + "<ul class=\"runs\">\(cells.joined(separator: "\n"))</ul>"
      + "<p class=\"facts\"><bdi>\(MarkupText.escaped(groups[group].facts))</bdi></p></section>"
  }

  private func cell(_ group: Int, _ place: Int, _ scale: ValueScale) throws -> String {
    let run = firstRun(of: group) + place
    let name = MarkupText.escaped(groups[group].names[place])
    let recording = groups[group].recordings[place]
    let picture =
      pictures[group][place].dataURI.map {
        "<span class=\"boxed\"><img id=\"picture-\(run)\" src=\"\($0)\" alt=\"Picture of \(name)\">"
          + "\(boxes(group, place))</span>picture\(findings(group, place))"
      }
      ?? (recording.run.manifest.status == .complete
        ? "No picture was recorded." : "No picture yet.")
    let subjects =
      try maps[group][place].map { try $0.map { try thumbnail($0, group, place, scale) } }
      ?? [
        "<p>No map of the subjects here: the layers at the loss’s grid were not recorded for the "
          + "prompt.</p>"
      ]
    return "<li class=\"run\"><p class=\"name\"><bdi>\(name)</bdi></p><div class=\"thumbs\">"
      + "<a id=\"run=\(run)\" href=\"#run=\(run)\">\(picture)</a>\(subjects.joined())</div>\(previews(group, place))</li>"
  }

  /// The pictures that some of a run's steps predicted, beside each other.
  private func previews(_ group: Int, _ place: Int) -> String {
    let previews = pictures[group][place].previews
    guard !previews.isEmpty else { return "" }
    let name = MarkupText.escaped(groups[group].names[place])
    return "<div class=\"thumbs previews\">"
      + previews.map {
        "<span><img src=\"\($0.dataURI)\" alt=\"Picture that step \($0.step) of \(name) predicts\">"
          + "step \($0.step)</span>"
      }.joined() + "</div>"
  }

  /// What the pictures of steps are; empty where there are none.
  private var previewNote: String {
    pictures.joined().allSatisfy(\.previews.isEmpty)
      ? "" : " Pictures with a step are what that step predicts, decoded."
  }

  /// A detector's boxes over a picture.
  private func boxes(_ group: Int, _ place: Int) -> String {
    let picture = pictures[group][place]
    guard !picture.boxes.isEmpty else { return "" }
    let (width, height) = (Double(picture.size.width), Double(picture.size.height))
    let shapes = picture.boxes.map { box in
      let rect =
        "<rect x=\"\(NumberText.plain(box.edges[0] * width))\" "
        + "y=\"\(NumberText.plain(box.edges[1] * height))\" "
        + "width=\"\(NumberText.plain((box.edges[2] - box.edges[0]) * width))\" "
        + "height=\"\(NumberText.plain((box.edges[3] - box.edges[1]) * height))\""
      let kind = box.finding?.isFound == false ? " class=\"missing\"" : ""
      return rect + " class=\"halo\"/>" + rect + kind
        + " stroke=\"\((box.color ?? .black).hex)\"/>"
    }
    return "<svg class=\"boxes\" viewBox=\"0 0 \(picture.size.width) \(picture.size.height)\" "
      + "aria-hidden=\"true\">\(shapes.joined())</svg>"
  }

  /// The words of a detector's boxes with their scores.
  private func findings(_ group: Int, _ place: Int) -> String {
    pictures[group][place].boxes.map { box in
      guard let finding = box.finding else { return "" }
      let isMissing = finding.isFound == false
      return
        "<br><svg class=\"key\" viewBox=\"0 0 12 12\" aria-hidden=\"true\"><rect x=\"1.5\" y=\"1.5\" "
        + "width=\"9\" height=\"9\" stroke=\"\((box.color ?? .black).hex)\""
        + (isMissing ? " class=\"missing\"" : "")
        + "/></svg> <bdi>\(MarkupText.escaped(box.word))</bdi> "
        + NumberText.tick(finding.score, step: 0.01) + (isMissing ? ", not found" : "")
    }.joined()
  }

  private func thumbnail(
    _ map: SubjectMap, _ group: Int, _ place: Int, _ scale: ValueScale
  ) throws -> String {
    let run = firstRun(of: group) + place
    let verdict = verdicts.first { $0.run == run && $0.subject == map.subject }
    let peak = NumberText.value(Double(map.peak.value))
    let word = "<bdi>\(MarkupText.escaped(map.subject.name))</bdi>"
    let alt = "Attention to \(map.subject.name) in \(groups[group].names[place]): peak \(peak)"
    let address = Self.address(run: run, map.subject)
    return
      "<a id=\"\(address)\" href=\"#\(address)\"><img src=\"\(try dataURI(map, group, place, scale))\" "
      + "alt=\"\(MarkupText.escaped(alt))\">\(word)<br>peak \(peak)"
      + (verdict.map {
        "<br><span class=\"shape\" aria-hidden=\"true\">\($0.shape)</span> \($0.verdict.words)"
      }
        ?? "") + "</a>"
  }

  private func dataURI(
    _ map: SubjectMap, _ group: Int, _ place: Int, _ scale: ValueScale
  ) throws -> String {
    let style = MapStyle(overlay: .alpha, colors: .magma, interpolation: .bicubic)
    let raster = MapRaster(map: map.map, scale: scale, style: style)
    let picture = pictures[group][place]
    let longer = max(picture.size.width, picture.size.height)
    let drawn =
      picture.grey.map(raster.over)
      ?? raster.opaque(width: picture.size.width, height: picture.size.height)
    return try drawn.resized(
      width: max(1, Self.side * picture.size.width / longer),
      height: max(1, Self.side * picture.size.height / longer)
    ).dataURI
  }

  private func colorBar(_ group: Int, _ scale: ValueScale) throws -> String {
    guard maps[group].contains(where: { $0 != nil }) else { return "" }
    let colors = ColorMap.magma.colors.flatMap { [$0.red, $0.green, $0.blue] }
    let bar = try Picture(width: 256, height: 1, pixels: colors).dataURI
    let (lower, upper) = (NumberText.value(scale.lower), NumberText.value(scale.upper))
    return "<p class=\"sheet-bar\">attention \(lower) <img src=\"\(bar)\" alt=\"Colour scale from "
      + "\(lower), black, to \(upper), pale yellow\"> \(upper)</p>"
  }

  // MARK: - Runs

  /// The place of a group's first run among all.
  private func firstRun(of group: Int) -> Int {
    groups[..<group].reduce(0) { $0 + $1.recordings.count }
  }

  private func name(of verdict: ReportVerdict) -> String {
    MarkupText.escaped(groups.flatMap(\.names)[verdict.run])
  }

  private func prompt(of verdict: ReportVerdict) -> String {
    let group = groups.indices.last { firstRun(of: $0) <= verdict.run } ?? 0
    return groups[group].prompt
  }

  private func word(_ verdict: ReportVerdict) -> String {
    "<bdi>\(MarkupText.escaped(verdict.subject.name))</bdi>"
  }

  private func link(to verdict: ReportVerdict) -> String {
    "#" + Self.address(run: verdict.run, verdict.subject)
  }

  /// The part of an address that shows a subject of a run as the contact sheet does, for an attribute.
  private static func address(run: Int, _ subject: Subject) -> String {
    "run=\(run)&amp;token=\(subject.tokens.map(String.init).joined(separator: ","))&amp;step=mean"
  }

  private static func subjectMaps(_ recording: ReportRecording) throws -> [SubjectMap]? {
    let manifest = recording.run.manifest
    guard !manifest.subjects.isEmpty else { return nil }
    do {
      return try recording.run.maps(of: manifest.subjects, by: Recipe(layers: Recipe.lossGrid))
    } catch AnalysisError.nothingSelected {
      return nil
    }
  }
}
