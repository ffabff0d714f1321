module hummingbird/lab/pause

go 1.21
