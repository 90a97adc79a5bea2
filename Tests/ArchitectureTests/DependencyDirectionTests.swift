import Foundation
import Testing

@Suite("Dependencies point down")
struct DependencyDirectionTests {
    let allowed = Dictionary(uniqueKeysWithValues: layers.map { ($0.name, $0) })
    let manifest = Manifest(SourceTree.manifest, modules: Set(layers.map(\.name)))

    @Test func `The list of layers is in order, so that no two modules can need each other`() {
        var below: Set<String> = []
        for module in layers {
            let upward = module.ours.subtracting(below)
            #expect(upward.isEmpty, "\(module.name) stands below \(upward.sorted()) and may not know them")
            below.insert(module.name)
        }
    }

    @Test func `The abstraction depends on nothing`() throws {
        let module = try #require(allowed["NodeTransport"])
        #expect(module.ours.isEmpty)
        #expect(module.foreign.isSubset(of: platform.union(["Synchronization"])))
    }

    @Test func `Code above the abstraction knows no concrete wire`() {
        for module in layers where module.name.hasPrefix("DAG") || module.name == "TransportDNS" {
            #expect(module.ours.isDisjoint(with: wires.union(belowTheWires)), "\(module.name) must work over any wire")
        }
        for name in ["TransactionSignatures", "TransportResilience", "TransportProtobuf", "TransportTestKit"] {
            #expect(allowed[name]?.ours == ["NodeTransport"])
        }
    }

    @Test func `The wires do not know each other`() {
        for module in layers where wires.contains(module.name) {
            #expect(module.ours.isDisjoint(with: wires))
        }
    }

    @Test func `Engines do no input and output`() {
        let outside = foundation.union(platform).union(["EventLoops", "CSystem", "Dispatch"])
        for module in layers where engines.contains(module.name) {
            #expect(module.ours.union(module.foreign).isDisjoint(with: outside), "\(module.name) is sans-IO")
        }
    }

    @Test func `Every module has its layer`() throws {
        try #require(!SourceTree.sources.isEmpty, "no sources found below \(SourceTree.root.path)")
        for name in SourceTree.moduleNames {
            #expect(allowed[name] != nil, "enter Sources/\(name) in Tests/ArchitectureTests/Layers.swift")
        }
    }

    @Test func `Every import stays within the layers and is declared in the manifest`() {
        for file in SourceTree.sources {
            guard let module = allowed[file.module] else { continue }
            for imported in file.imports {
                let place = "\(file.path):\(imported.line)"
                #expect(
                    module.ours.contains(imported.module) || module.foreign.contains(imported.module),
                    "\(place): \(file.module) may not import \(imported.module), see Layers.swift"
                )
                if allowed[imported.module] != nil {
                    #expect(
                        manifest.dependencies[file.module]?.contains(imported.module) == true,
                        "\(place): Package.swift does not declare that \(file.module) needs \(imported.module)"
                    )
                }
            }
        }
    }

    @Test func `The manifest declares what the layers allow and the sources use`() throws {
        try #require(manifest.dependencies.count >= SourceTree.moduleNames.count, "the manifest was not understood")
        for (name, dependencies) in manifest.dependencies.sorted(by: { $0.key < $1.key }) {
            let upward = dependencies.subtracting(allowed[name]?.ours ?? [])
            #expect(upward.isEmpty, "Package.swift lets \(name) depend on \(upward.sorted()), see Layers.swift")

            let files = SourceTree.sources.filter { $0.module == name }
            if files.isEmpty { continue }
            let unused = dependencies.subtracting(files.flatMap { $0.imports.map(\.module) })
            #expect(
                unused.isEmpty,
                "Package.swift lets \(name) depend on \(unused.sorted()), which no file of it imports"
            )
        }
    }
}
