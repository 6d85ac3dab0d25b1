module github.com/postrider/postrider/internal/bench

go 1.25.0

replace github.com/postrider/postrider => ../..

require github.com/postrider/postrider v0.0.0 // indirect
