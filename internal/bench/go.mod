module github.com/postrider/postrider/internal/bench

go 1.25.0

require (
	github.com/hashicorp/go-retryablehttp v0.7.8
	github.com/hibiken/asynq v0.26.0
	github.com/jackc/pgx/v5 v5.12.0
	github.com/postrider/postrider v0.0.0
	github.com/riverqueue/river v0.44.1
	github.com/riverqueue/river/riverdriver/riverpgxv5 v0.44.1
	github.com/valyala/fasthttp v1.65.0
	modernc.org/sqlite v1.59.0
)

replace github.com/postrider/postrider => ../..
