package jql_test

import (
	"errors"
	"fmt"

	"github.com/postrider/postrider/webhook/jira/jql"
)

func ExampleGrammar_Parse() {
	issue := jql.SubjectFunc(func(field string) []string {
		return map[string][]string{"project": {"PRJ"}, "status": {"In Progress"}}[field]
	})
	f, err := jql.Dynamic().Parse(`project = PRJ AND status IN ("In Progress", Review)`)
	fmt.Println(f.Match(issue), err)

	_, err = jql.Dynamic().Parse("myClause = something AND priority = High")
	var bad *jql.Error
	fmt.Println(errors.As(err, &bad))
	for _, problem := range bad.Problems {
		fmt.Println(problem)
	}
	// Output:
	// true <nil>
	// true
	// The clause myClause is unsupported
	// The clause priority is unsupported
}

func ExampleIndex() {
	var x jql.Index
	for id, src := range map[string]string{"1000": "project = PRJ", "1001": "status = Done", "1002": "project = OTHER"} {
		f, err := jql.Dynamic().Parse(src)
		if err != nil {
			fmt.Println(err)
			return
		}
		x.Set(id, []string{"jira:issue_updated"}, f)
	}
	issue := jql.SubjectFunc(func(field string) []string {
		return map[string][]string{"project": {"PRJ"}, "status": {"Done"}}[field]
	})
	fmt.Println(x.Match("jira:issue_updated", issue))
	// Output: [1000 1001]
}
