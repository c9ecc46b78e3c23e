/// Lays the parts of a figure below each other, on as many pages as their height makes.
package struct PageStack {
  /// A part that no page break divides.
  package struct Line {
    package let part: PagePart
    /// What stands above it if a page begins with it, or if it is the first of a section.
    package var heading = PagePart.empty
    /// Whether its heading is drawn wherever it stands.
    package var beginsSection = false
    /// What is drawn in its place where a page begins with it; `nil` for no difference.
    package var first: PagePart?

    package init(
      part: PagePart, heading: PagePart = PagePart.empty, beginsSection: Bool = false,
      first: PagePart? = nil
    ) {
      self.part = part
      self.heading = heading
      self.beginsSection = beginsSection
      self.first = first
    }
  }

  private static let markHeight = 8.5

  package let page: PageSize
  /// Above the lines of every page.
  package let head: PagePart
  /// Below the lines of every page, or below the last ones where no page has room for both.
  package var key = PagePart.empty
  package let metadata: Scene.Metadata
  package let caption: FigureCaption

  package init(
    page: PageSize, head: PagePart, key: PagePart = PagePart.empty, metadata: Scene.Metadata,
    caption: FigureCaption
  ) {
    self.page = page
    self.head = head
    self.key = key
    self.metadata = metadata
    self.caption = caption
  }

  /// The height that lines have on a page above the key.
  package var room: Double { Self.room(of: page, below: head) - key.height }

  /// The height that lines have on a page of their own.
  package static func room(of page: PageSize, below head: PagePart) -> Double {
    page.usableHeight - head.height - markHeight
  }

  /// The pages of `lines`.
  /// - Throws: ``FigureError/tooLow(height:needed:)`` if a line is higher than a page.
  package func scenes(_ lines: [Line], _ builder: SceneBuilder) throws -> [Scene] {
    let highest = lines.map { $0.heading.height + $0.part.height }.max() ?? 0
    guard page.height.isFinite, highest > room else {
      return pages(divided(lines, room: room), key: key, builder)
    }
    var apart = self
    apart.key = .empty
    guard highest <= apart.room else {
      throw FigureError.tooLow(
        height: page.height, needed: page.height + (highest - apart.room).rounded(.up))
    }
    // The key does not fit below the highest line: it stands on the last page, or alone on it.
    let last = Line(part: key)
    return apart.pages(apart.divided(lines + [last], room: apart.room), key: .empty, builder)
  }

  /// The pages of contents that were divided already, each with the key below it.
  package func scenes(_ contents: [PagePart], _ builder: SceneBuilder) -> [Scene] {
    pages(contents, key: key, builder)
  }

  private func pages(
    _ contents: [PagePart], key: PagePart, _ builder: SceneBuilder
  ) -> [Scene] {
    contents.enumerated().map { index, content in
      var builder = builder
      var bottom = builder.place(head, y: 0)
      // A panel of several says so once, as the sheet's pages are numbered.
      if contents.count > 1, !builder.words.isPart {
        builder.text(
          "page \(index + 1) of \(contents.count)", x: Metrics.margin, y: bottom + 5.8,
          builder.secondary(6))
        bottom += Self.markHeight
      }
      bottom = builder.place(content, y: bottom)
      bottom = builder.place(key, y: bottom)
      var scene = builder.scene(
        width: page.width, bottom: bottom,
        metadata: contents.count > 1
          ? metadata.numbered(index + 1, of: contents.count) : metadata, caption: caption)
      (scene.page, scene.pages) = (index + 1, contents.count)
      return scene
    }
  }

  /// The lines of each page: as few pages as `room` allows, as evenly filled as they can be.
  private func divided(_ lines: [Line], room: Double) -> [PagePart] {
    let least = Self.contents(lines, room: room)
    guard least.count > 1 else { return least }
    var (low, high) = (0.0, room)
    for _ in 0..<12 {
      let middle = (low + high) / 2
      let contents = Self.contents(lines, room: middle)
      let fits = contents.count == least.count && contents.allSatisfy { $0.height <= room }
      if fits { high = middle } else { low = middle }
    }
    return Self.contents(lines, room: high)
  }

  private static func contents(_ lines: [Line], room: Double) -> [PagePart] {
    var pages: [PagePart] = []
    var page: PagePart?
    for line in lines {
      let heading = line.beginsSection ? line.heading : .empty
      if let begun = page, begun.height + heading.height + line.part.height > room {
        pages.append(begun)
        page = nil
      }
      page =
        page?.above(heading).above(line.part)
        ?? PagePart.empty.above(line.heading).above(line.first ?? line.part)
    }
    return pages + [page ?? .empty]
  }
}

extension PagePart {
  /// The part with `other` below it.
  package func above(_ other: PagePart) -> PagePart {
    PagePart(
      nodes: nodes + other.nodes.map { $0.scaled(by: 1, dy: height) },
      height: height + other.height)
  }
}

extension Scene.Metadata {
  /// The metadata of one of several pages.
  fileprivate func numbered(_ page: Int, of pages: Int) -> Scene.Metadata {
    guard manifest.hasSuffix("}") else { return self }
    var numbered = self
    numbered.manifest =
      manifest.dropLast() + (manifest == "{}" ? "" : ", ")
      + "\"page\": \(page), \"pages\": \(pages)}"
    return numbered
  }
}
