package import Drawing
internal import Foundation
internal import TensorEngine

/// One HTML page of a benchmark: tables, charts, and every picture with a link to its run.
///
/// The page asks the network for nothing. Pictures are files beside it, named relative to the page and loaded
/// when they come into view, so that the page is small; its content security policy allows it these, its own
/// script and its own style. Without JavaScript it has tables and charts, and a link to the folder of each
/// prompt.
package struct BenchmarkPage: Sendable {
  /// A prompt of the suite.
  package struct Prompt: Sendable {
    /// The folder of its runs.
    let id: String
    let text: String
    /// Empty where the suite has no subsets.
    let subset: String
    /// The file of a report of all its runs, in its folder; `nil` without one.
    let report: String?

    /// A prompt by the folder of its runs.
    package init(id: String, text: String, subset: String?, report: String?) {
      (self.id, self.text, self.subset, self.report) = (id, text, subset ?? "", report)
    }
  }

  /// A method, by the folder of its runs.
  package struct Method: Sendable {
    let name: String
    let title: String

    /// A method by its name and that for people.
    package init(name: String, title: String) { (self.name, self.title) = (name, title) }
  }

  /// A picture that is there.
  package struct Picture: Sendable {
    /// The places of its prompt and its method.
    let prompt, method: Int
    let seed: UInt64
    /// The file of a report of its run, in the run's folder; `nil` without one.
    let report: String?
    /// By score; NaN where it is not scored.
    let values: [Double]

    /// A picture by its run and its scores.
    package init(prompt: Int, method: Int, seed: UInt64, report: String?, values: [Double]) {
      (self.prompt, self.method, self.seed) = (prompt, method, seed)
      (self.report, self.values) = (report, values)
    }
  }

  /// A table, of texts.
  package struct Table: Sendable {
    let caption: String
    let columns: [String]
    let rows: [[String]]
    /// How many columns name a row.
    let keys: Int

    /// A table whose first `keys` columns name its rows.
    package init(caption: String, columns: [String], rows: [[String]], keys: Int) {
      (self.caption, self.columns, self.rows, self.keys) = (caption, columns, rows, keys)
    }
  }

  /// The file's bytes, UTF-8.
  package let html: [UInt8]

  /// Makes a page.
  /// - Parameters:
  ///   - title: the benchmark's name.
  ///   - facts: what it is made of, a line each.
  ///   - runs: the folder of all runs, relative to the page's.
  ///   - file: the name of a run's picture in its folder.
  ///   - scores: the names of the pictures' values.
  ///   - figures: charts, each below a heading.
  ///   - notes: what is missing, a line each.
  ///   - software: what makes the page, with the version.
  /// - Throws: `FileError`.
  package init(
    title: String, facts: [String], runs: String, file: String, prompts: [Prompt],
    methods: [Method], pictures: [Picture], scores: [String], tables: [Table],
    figures: [(heading: String, scene: Scene)], notes: [String], software: String
  ) throws {
    let template = try PageTemplate(
      "Benchmark", name: "benchmark", scripts: ["gallery", "page"], pictures: .beside)
    let data = JSONText.object([
      ("runs", JSONText.string(Self.address(runs))),
      ("file", JSONText.string(Self.address(file))),
      (
        "prompts",
        JSONText.array(
          prompts.map {
            JSONText.array(
              [Self.address($0.id), $0.text, $0.subset, $0.report.map(Self.address) ?? ""]
                .map(JSONText.string))
          })
      ),
      (
        "methods",
        JSONText.array(
          methods.map {
            JSONText.array([Self.address($0.name), $0.title].map(JSONText.string))
          })
      ),
      ("scores", JSONText.array(scores.map(JSONText.string))),
      (
        "pictures",
        JSONText.array(
          pictures.map { picture in
            JSONText.array(
              // A seed may be greater than a script's numbers are exact for.
              [
                "\(picture.prompt)", "\(picture.method)", JSONText.string("\(picture.seed)"),
                JSONText.string(picture.report.map(Self.address) ?? ""),
              ] + picture.values.map(Self.number))
          })
      ),
    ])
    let page = template.filled([
      "title": MarkupText.title("\(title) – Heed"), "name": MarkupText.escaped(title),
      "facts": Self.list(facts), "notes": Self.list(notes),
      "figures": try figures.map(Self.figure).joined(separator: "\n"),
      "tables": tables.map(Self.table).joined(separator: "\n"),
      "count": "\(pictures.count)", "folders": Self.folders(prompts, runs: runs),
      "data": MarkupText.script(data), "software": MarkupText.escaped(software),
    ])
    html = Array(page.utf8)
  }

  /// Writes the page to the file at `path`, which appears whole or not at all.
  /// - Throws: `FileError`.
  package func write(to path: String) throws {
    try writeAtomically(html, to: path, throughLinks: true)
  }

  /// A path as an address relative to the page: none of its characters means anything in an address, and its
  /// first part is no scheme.
  private static func address(_ path: String) -> String {
    let plain = CharacterSet(
      charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+,=@")
    return path.split(separator: "/", omittingEmptySubsequences: false).map {
      $0.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
    }.joined(separator: "/")
  }

  /// Four digits, which tell pictures apart and keep the page small.
  private static func number(_ value: Double) -> String {
    guard value.isFinite else { return "null" }
    return String(format: "%.4g", value)
  }

  private static func list(_ lines: [String]) -> String {
    lines.map { "<li><bdi>\(MarkupText.escaped($0))</bdi></li>" }.joined()
  }

  private static func figure(_ figure: (heading: String, scene: Scene)) throws -> String {
    let svg = try SVGBackend.text(figure.scene)
    let start = svg.range(of: "<svg")?.lowerBound ?? svg.startIndex
    return "<section><h2>\(MarkupText.escaped(figure.heading))</h2><figure class=\"chart\">"
      + "\(svg[start...])</figure></section>"
  }

  private static func table(_ table: Table) -> String {
    func row(_ cells: [String], _ tag: (Int) -> String) -> String {
      "<tr>"
        + cells.enumerated().map { index, cell in
          let tag = tag(index)
          let name = tag.split(separator: " ").first ?? "td"
          return "<\(tag)><bdi>\(MarkupText.escaped(cell))</bdi></\(name)>"
        }.joined() + "</tr>"
    }
    return "<div class=\"scroll\" tabindex=\"0\"><table>"
      + "<caption>\(MarkupText.escaped(table.caption))</caption><thead>"
      + row(table.columns) { _ in "th scope=\"col\"" } + "</thead><tbody>"
      + table.rows.map { row($0) { $0 < table.keys ? "th scope=\"row\"" : "td" } }.joined()
      + "</tbody></table></div>"
  }

  /// The prompts' folders, for who has no script.
  private static func folders(_ prompts: [Prompt], runs: String) -> String {
    prompts.map { prompt in
      let address = MarkupText.escaped("\(address(runs))/\(address(prompt.id))/")
      return "<li><a href=\"\(address)\"><bdi>\(MarkupText.escaped(prompt.text))</bdi></a></li>"
    }.joined()
  }
}
